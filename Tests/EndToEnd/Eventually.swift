/// What a test waited for did not come about.
struct NeverHappened: Error, CustomStringConvertible {
  let description: String
}

/// Waits until `condition` holds: the only way these tests wait for other processes.
///
/// The limit is generous, because it only bounds how long a failure takes.
func eventually(
  _ what: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
  _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < end else { throw NeverHappened(description: "waited \(limit) for this: \(what)") }
    try await Task.sleep(for: .milliseconds(20))
  }
}
