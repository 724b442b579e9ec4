using Xunit;

namespace CsiThin.Core.Tests.Support;

/// <summary>
/// For tests that measure the whole process (what it allocates, which descriptors it has open): no other test runs beside them.
/// </summary>
[CollectionDefinition(nameof(RunsAlone), DisableParallelization = true)]
public sealed class RunsAlone;
