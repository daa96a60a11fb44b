/// The name most likely meant by a mistyped one.
///
/// Compares by edit distance with swapped neighbours counted once; failing that, takes the name that
/// begins with what was written. `nil` when nothing is a plausible slip (a third of the length, at
/// least one letter).
func nearestName(to written: String, among known: [String]) -> String? {
  let target = Array(written.lowercased().utf8.prefix(64))
  var best: (name: String, distance: Int)?
  for name in known {
    let distance = editDistance(target, Array(name.utf8))
    if distance < best?.distance ?? Int.max { best = (name, distance) }
  }
  if let best, best.distance <= max(1, max(target.count, best.name.utf8.count) / 3) { return best.name }
  // The beginning of a name was meant to be the name.
  return target.count < 3 ? nil : known.first { Array($0.utf8).starts(with: target) }
}

/// Damerau's distance, restricted to swaps of neighbours.
func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  if left.isEmpty { return right.count }
  if right.isEmpty { return left.count }
  var before = [Int](repeating: 0, count: right.count + 1)
  var previous = Array(0...right.count)
  var current = before
  for i in 1...left.count {
    current[0] = i
    for j in 1...right.count {
      let same = left[i - 1] == right[j - 1]
      var cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same ? 0 : 1))
      if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
        cost = min(cost, before[j - 2] + 1)
      }
      current[j] = cost
    }
    (before, previous, current) = (previous, current, before)
  }
  return previous[right.count]
}
