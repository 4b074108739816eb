/** What it takes to import anything. */
export {}
