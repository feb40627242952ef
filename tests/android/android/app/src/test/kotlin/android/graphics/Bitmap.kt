package android.graphics

// The JVM that runs the tests can't load Android 17's own classes.

/** A picture that nobody looks into. */
class Bitmap
