"""mood: how the patient is: check-ins, questionnaires, timeline, progress.

consumes  moods and reminders (its own facts), questions, patients, sessions: for timeline, progress and schedules;
          clinics: settings, read whole
emits     moods (check-in recorded and corrected, questionnaire completed, entry withdrawn), reminders (reminder due)
owns      check-ins and questionnaires, the catalogue of instruments, what is due from whom
asks      nobody
"""
