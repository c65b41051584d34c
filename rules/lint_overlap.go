package rules

// checkOverlaps finds the rules that get in each other's way.
func checkOverlaps(set *Set) []Finding {
	found, costly := set.compare(maxListed)
	findings := make([]Finding, 0, len(found))
	for _, overlap := range found {
		check, concerned := equalOverlap, overlap.between[1] // which is likely to be the newer one
		switch {
		case overlap.Doubt != "":
			check = overlapUndecided
		case overlap.Never != "":
			check = deadRule
			if overlap.Never == overlap.Rules[0] {
				concerned = overlap.between[0]
			}
		}
		finding := check.at(concerned, urlPath, overlap.String())
		finding.subject = "" // it names both
		finding.Witness = overlap.Method + " " + overlap.Witness
		findings = append(findings, finding)
	}
	if costly != nil {
		findings = append(findings, overlapUndecided.at(costly.definition, urlPath,
			"the rules take too long to compare, this one more than others; there may be more that overlap"))
	}
	return findings
}
