"""notify: who must know. Nobody is left untold, nobody is told twice.

writes to patients as well: reminders of what is due, and that a question has an answer, as each of them wishes.

consumes  assessments (what holds, and what must be told), patients (whose they are), reminders and questions (what
          there is to write about), its own alerts (what was told) and letters (what was written to patients),
          clinics whole (working hours, clinicians, escalation and rota, whom to tell when nobody else can be), its own
          contacts whole (who asked for no more texts, what was verified)
emits     alerts, contacts, letters (documents)
owns      alerts, the deliveries of their messages with every attempt and receipt, patients' letters, what is known of
          addresses
asks      mail relays, SMS providers, clinics' webhooks, an Apprise API; providers call it with receipts and texts
"""
