"""notify: who must know. Nobody is left untold, nobody is told twice.

consumes  assessments (what holds, and what must be told), patients (whose they are), its own alerts (what was told),
          clinics whole (working hours, clinicians, escalation and rota, whom to tell when nobody else can be), its own
          contacts whole (who asked for no more texts, what was verified)
emits     alerts, contacts (documents)
owns      alerts, the deliveries of their messages with every attempt and receipt, what is known of addresses
asks      mail relays, SMS providers, clinics' webhooks, an Apprise API; providers call it with receipts and texts
"""
