"""intake: who is in care, and what happens around sessions.

consumes  clinics, patients, sessions, questions: its own topics, to heal them, to rebuild its store from them, and to
          know who asked what
emits     clinics (clinic, clinician), patients (patient), sessions (session), questions (question asked, question)
owns      clinics, clinicians, patients with episodes and care teams, sessions with attendance, rating and checklist,
          questions and their handling
asks      nobody
"""
