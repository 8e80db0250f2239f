/** Below this many pixels a graph is too small to be read: the steps are shown in time at first, with fewer columns. */
export const NARROW = 700
