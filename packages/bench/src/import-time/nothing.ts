/** Baseline: the cost of importing an empty module. */
export {}
