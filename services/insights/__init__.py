"""insights: what it means. Trends and concerns, patient by patient, and the caseload.

consumes  patients, sessions, questions, moods (facts and documents of each patient, by partition); its own assessments
          (what was said, to stay silent or say it again); clinics whole (settings and rules)
emits     assessments (documents: what holds for a patient now, and why); moods (facts: which entries a session brief
          showed to a clinician)
owns      entries by patient and month, the latest assessment of each patient; rebuilt from the topics when dropped
asks      nobody
"""
