"""mood: how the patient is: check-ins, questionnaires, timeline, progress, coping strategies.

consumes  moods (its own facts), questions, patients: for timeline and progress; clinics: settings, read whole;
          assessments: so that no strategy is suggested while harm is spoken of
emits     moods (check-in recorded, questionnaire completed; strategies tried, pinned, allowed, suggested; entries seen)
owns      check-ins and questionnaires, the catalogue of instruments, the library of coping strategies, receipts
asks      nobody
"""
