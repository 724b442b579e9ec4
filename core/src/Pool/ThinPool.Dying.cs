using CsiThin.Core.Format;
using CsiThin.Core.Pool.Chores;

namespace CsiThin.Core.Pool;

/// <summary>The end of volumes, which may outlast the life of the process that was told to delete them.</summary>
public sealed partial class ThinPool
{
    /// <summary>
    /// Deletes a volume or snapshot for good; what was made from it lives on. Its name is free at once. Of a large one, the space comes
    /// back little by little (<see cref="PoolStatus.DyingVolumes"/>), in steps that keep nobody waiting, on through crashes and reopening.
    /// Errors: NotFound, Busy while it is open, Degraded.
    /// </summary>
    public void Delete(VolumeId id) => _worker.Invoke(() => DeleteNow(id), commits: true);

    /// <summary>
    /// Takes up what the pool's last life left undone. A metadata snapshot found on opening is nobody's: its holder owned the disk, as we
    /// do now; it would keep everything deleted since from being free. Devices that were dying go on doing so.
    /// </summary>
    private void Recover()
    {
        if (_state.Mode >= PoolMode.ReadOnly)
            return;
        try
        {
            if (!_catalog.Committed.Dying.IsEmpty)
                _ = _worker.Invoke(ResumeDying, commits: false);
        }
        catch (PoolException e)
        {
            _state.Log($"Deleted volumes keep their space: {e.Message}");
        }
        if (_state.Metadata.GetMetadataSnapshot() is not null)
            ReleaseHold();
    }

    private bool ResumeDying()
    {
        foreach (var (number, device) in _catalog.Working.Dying)
            AddDying(number, device);
        return true;
    }

    private void AddDying(ulong number, ThinId device)
    {
        var chore = new DeviceChore(_state, _catalog, number, device);
        chore.Count();
        _state.Chores.Add(chore);
    }

    private bool DeleteNow(VolumeId id)
    {
        var volume = Require(id);
        if (_open.TryGetValue(id.Number, out var open))
            throw new PoolException(PoolError.Busy, $"{Word(volume.Kind)} '{volume.Name}' ({id}) is in use by {open.Handles} client(s).");
        _committer.CommitIfLarge();
        // Most are gone with the first step, in the same transaction.
        _catalog.PutDying(id.Number, volume.ThinId);
        _state.Space.Forget(id);
        var chore = new DeviceChore(_state, _catalog, id.Number, volume.ThinId);
        if (!chore.Step())
            _state.Chores.Add(chore);
        return true;
    }
}
