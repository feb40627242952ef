package android.os

// SavedStateHandle names these as what it would take.

class Binder

class Bundle

interface Parcelable
