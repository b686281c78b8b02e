"""mood: how the patient is: check-ins, questionnaires, timeline, progress.

consumes  moods (its own facts), questions, patients: for timeline and progress; clinics: settings, read whole
emits     moods (check-in recorded, questionnaire completed)
owns      check-ins and questionnaires, the catalogue of instruments
asks      nobody
"""
