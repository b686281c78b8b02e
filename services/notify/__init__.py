"""notify: who must know. Nobody is left untold, nobody is told twice.

consumes  assessments (what holds, and what must be told), patients (whose they are), its own alerts (what was told),
          clinics whole (working hours, clinicians, escalation and rota, whom to tell when nobody else can be)
emits     alerts (documents)
owns      alerts, and the deliveries of their messages with every attempt
asks      an SMTP server and an SMS provider
"""
