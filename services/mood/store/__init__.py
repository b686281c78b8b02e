"""What mood keeps: a projection of its topics that can be thrown away and rebuilt. All is found by exact `_id`."""

from services.mood.store.entries import Known, Store, month_key
from services.mood.store.records import Taken, patient_key
from services.mood.store.schedules import Look

__all__ = ["Known", "Look", "Store", "Taken", "month_key", "patient_key"]
