package pipeline

// NumberOfKinds is how many kinds of errors there are.
const NumberOfKinds = len(kinds)
