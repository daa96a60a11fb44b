import Testing

@testable import STTIngest

@Suite struct DeadlineTreeTests {
  @Test("says what a plain list says, whatever is put off or brought forward", arguments: [1, 2, 3, 7, 64, 100])
  func agreesWithAList(capacity: Int) {
    var tree = DeadlineTree(capacity: capacity)
    var list = [UInt64](repeating: DeadlineTree.never, count: capacity)
    var state: UInt64 = 1
    for _ in 0..<2000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let place = Int(state >> 33) % capacity
      list[place] = state & 1 == 0 ? DeadlineTree.never : state >> 20 & 0xFF
      tree[place] = list[place]
      #expect(tree.earliest == list.min())
      let now = state >> 40 & 0xFF
      var found: [Int] = []
      var start = 0
      while let due = tree.due(at: now, from: start) {
        found.append(due)
        start = due + 1
      }
      #expect(found == list.indices.filter { list[$0] <= now })
      #expect(list.indices.allSatisfy { tree[$0] == list[$0] })
    }
  }
}
