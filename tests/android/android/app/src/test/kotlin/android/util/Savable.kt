package android.util

// SavedStateHandle names these as what it would take.

class Size

class SizeF

class SparseArray<E>
