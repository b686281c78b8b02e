"""mood: how the patient is: check-ins, questionnaires, timeline, progress, coping strategies.

consumes  moods and reminders (its own facts), questions, patients, sessions: for timeline, progress and schedules;
          clinics: settings, read whole; assessments: so that no strategy is suggested while harm is spoken of
emits     moods (check-in recorded and corrected, questionnaire completed, entry withdrawn; strategies tried, pinned,
          allowed, suggested; entries seen), reminders (reminder due)
owns      check-ins and questionnaires, the catalogue of instruments, the library of coping strategies, receipts, what
          is due from whom
asks      nobody
"""
