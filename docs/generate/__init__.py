"""What the documentation takes from the code: reference, results, licences, sources, formulas."""
