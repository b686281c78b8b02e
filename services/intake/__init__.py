"""intake: who is in care, and what happens around sessions.

consumes  clinics, patients, sessions, questions: its own topics, to heal them, to rebuild its store from them, and to
          know who asked what
emits     clinics (clinic, clinician), patients (patient), sessions (session), questions (question asked, question)
owns      clinics, clinicians, patients, sessions with attendance and rating, questions and their handling
asks      nobody
"""
