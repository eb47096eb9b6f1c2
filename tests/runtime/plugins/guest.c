/* Named by no compartment: a guest of whoever loads it. */
long guest_run(long value) { return value + 1; }
