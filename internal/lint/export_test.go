package lint

// Sections returns the sections of all catalogues.
var Sections = Known.sections
