using CsiThin.Core.Device;
using CsiThin.Core.Metadata;
using CsiThin.Core.Tests.Metadata;
using CsiThin.Core.Tests.Support;
using Xunit;
using Mappings = System.Collections.Generic.Dictionary<uint, System.Collections.Generic.Dictionary<ulong, ulong>>;

namespace CsiThin.Core.Tests.Faults;

/// <summary>Random operations on a disk that fails as planned. Whoever meets the failure aborts and goes on.</summary>
internal sealed class FaultedWorkload(FaultDisk disk, FaultPlan plan, int seed)
{
    private Mappings _committed = [];
    private Mappings? _inDoubt;

    /// <summary>Errors that the fault made.</summary>
    public int Failures { get; private set; }

    /// <summary>Runs, and returns what may be on the disk: the last commit, and one whose outcome is not known.</summary>
    public IReadOnlyList<Mappings> Run(int steps)
    {
        var random = new Random(seed);
        using var operations = new RandomOperations(disk, random);
        // The model learns what is there already.
        foreach (var thin in operations.Pool.ListThins())
            operations.Model.Thins.Add(thin.Id.Value, Damage.SoundImage.ReadMappings(operations.Pool, thin.Id));
        operations.Model.Commit();
        _committed = Copy(operations.Model.Thins);
        plan.Attach(disk);
        for (var step = 1; step <= steps && !operations.Pool.IsFailed; step++)
            Step(operations, step);
        disk.Fault = null;
        return _inDoubt == null ? [_committed] : [_committed, _inDoubt];
    }

    private void Step(RandomOperations operations, int step)
    {
        try
        {
            if (step % 5 != 0)
            {
                operations.Step();
                return;
            }
            if (step % 10 == 0)
                operations.Reopen();
            _inDoubt = Copy(operations.Model.Thins);
            operations.Commit();
            _committed = _inDoubt;
            _inDoubt = null;
        }
        catch (MetadataException e)
        {
            Failures++;
            Assert.True(e.Error == MetadataError.Io && e.InnerException is DiskException, $"{plan}: {e}");
            if (!operations.Pool.IsFailed)
                Abort(operations);
        }
    }

    private void Abort(RandomOperations operations)
    {
        try
        {
            operations.Abort();
        }
        catch (MetadataException e)
        {
            Assert.Equal(MetadataError.Io, e.Error);
            Assert.True(operations.Pool.IsFailed);
            Assert.True(operations.Pool.IsReadOnly);
            return;
        }
        // The abort settles which commit it is.
        _inDoubt = null;
        if (plan.Span == FaultSpan.Once)
            operations.Model.AssertEqual(operations.Pool);
    }

    private static Mappings Copy(Mappings mappings) =>
        mappings.ToDictionary(static pair => pair.Key, static pair => new Dictionary<ulong, ulong>(pair.Value));
}
