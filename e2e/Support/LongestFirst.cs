using CsiThin.EndToEnd.Node;
using CsiThin.EndToEnd.Support;
using Xunit;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer($"CsiThin.EndToEnd.Support.{nameof(LongestFirst)}", "CsiThin.EndToEnd")]

namespace CsiThin.EndToEnd.Support;

/// <summary>
/// Begins with the tests that share the node's guest, one after the other for a third of an hour: begun among the last, they kept one
/// processor busy while the other had nothing left to do.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(collection => collection.DisplayName != nameof(NodeGuest));
}
