using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>
/// The device details tree, and the devices that are open or changed in front of it. Changed details reach the tree at commit.
/// Invariant: a device is in the tree, or in the table as changed. Mutating thread only.
/// </summary>
internal sealed class DeviceTable
{
    private readonly Dictionary<ThinId, DeviceState> _states = [];
    private BTree<PlainValues> _details = null!;

    /// <summary>The root of the details tree.</summary>
    public ulong Root { get; private set; }

    public void Create(TransactionManager transaction)
    {
        Attach(transaction, 0);
        Root = _details.Empty();
    }

    /// <summary>Takes the tree of an opened, or reopened, pool.</summary>
    public void Attach(TransactionManager transaction, ulong root)
    {
        _details = new(transaction, new PlainValues(DeviceDetails.SizeBytes), gate: null, DeviceKeys.Instance);
        Root = root;
    }

    public bool Exists(ThinId id) => _states.ContainsKey(id) || TryRead(id, out _);

    /// <summary>The device's state, taken into the table if it is in the tree only.</summary>
    public bool TryGet(ThinId id, MappingTree mappings, out DeviceState state)
    {
        if (_states.TryGetValue(id, out state!))
            return state.Root != 0;
        if (!TryRead(id, out var details))
            return false;
        if (!mappings.TryGetSubtree(id, out var subtree))
            throw new MetadataException(MetadataError.Corrupt, $"thin device {id} has details but no mappings");
        state = new DeviceState(id) { Details = details, Root = subtree };
        _states.Add(id, state);
        return true;
    }

    /// <summary>Takes in a device that is not in the tree yet.</summary>
    public DeviceState Add(ThinId id, DeviceDetails details, ulong root)
    {
        var state = new DeviceState(id) { Details = details, Root = root, IsChanged = true };
        _states[id] = state;
        return state;
    }

    public void Delete(ThinId id)
    {
        _states.Remove(id);
        // A device made in this transaction has not reached the tree.
        if (TryRead(id, out _))
            Root = _details.Remove(Root, id.Value, out _);
    }

    /// <summary>Gives up a held metadata snapshot's reference to a details tree.</summary>
    public void DeleteHeld(ulong root) => _details.DeleteTree(root);

    /// <summary>All devices, by id, with the changes of this transaction.</summary>
    public List<ThinDeviceInfo> List()
    {
        var all = ReadAll(Root);
        foreach (var (id, state) in _states)
            if (state.Root != 0)
                all[id.Value] = state.Details;
        return [.. all.Select(static pair => Describe(new ThinId(pair.Key), pair.Value))];
    }

    /// <summary>One device with the changes of this transaction, or null.</summary>
    public ThinDeviceInfo? Find(ThinId id)
    {
        if (_states.TryGetValue(id, out var state))
            return state.Root != 0 ? Describe(id, state.Details) : null;
        return TryRead(id, out var details) ? Describe(id, details) : null;
    }

    /// <summary>The devices of a details tree, such as a held metadata snapshot's, by id.</summary>
    public SortedDictionary<uint, DeviceDetails> ReadAll(ulong root)
    {
        var all = new SortedDictionary<uint, DeviceDetails>();
        Span<byte> value = stackalloc byte[DeviceDetails.SizeBytes];
        for (ulong next = 0; _details.TryLookupNext(root, next, out var found, value); next = found + 1)
        {
            if (found > ThinId.MaxValue)
                throw MetadataException.At(
                    DeviceKeys.Instance.PlaceOf(_details.PathTo(root, found), found, null), MetadataError.Corrupt,
                    $"thin id {found} is above {ThinId.MaxValue}");
            all[(uint)found] = DeviceDetails.Read(value);
        }
        return all;
    }

    private static ThinDeviceInfo Describe(ThinId id, DeviceDetails details) =>
        new(id, details.MappedBlocks, details.TransactionId, details.CreationTime, details.SnapshottedTime);

    /// <summary>First step of a commit: changed details into the tree.</summary>
    public void WriteChanged()
    {
        Span<byte> value = stackalloc byte[DeviceDetails.SizeBytes];
        foreach (var state in _states.Values)
        {
            if (!state.IsChanged)
                continue;
            state.Details.Write(value);
            Root = _details.Insert(Root, state.Id.Value, value, out _);
        }
    }

    /// <summary>Last step of a commit: nothing is changed any more, and who is not open is forgotten.</summary>
    public void Committed()
    {
        foreach (var state in _states.Values)
        {
            state.IsChanged = false;
            if (!state.IsOpen)
                _states.Remove(state.Id);
        }
    }

    /// <summary>First step of an abort, inside the gate: readers find no mapping in memory until <see cref="Reload"/>.</summary>
    public void BeginAbort()
    {
        foreach (var state in _states.Values)
        {
            state.WasAbortedWithChanges = state.IsChanged;
            state.Root = 0;
        }
    }

    /// <summary>Last step of an abort: open devices as the last commit has them; those it does not have are gone.</summary>
    public void Reload(MappingTree mappings, Gate gate)
    {
        foreach (var state in _states.Values)
        {
            if (!state.IsOpen)
            {
                _states.Remove(state.Id);
                continue;
            }
            var isKnown = TryRead(state.Id, out var details);
            var subtree = 0UL;
            if (isKnown && !mappings.TryGetSubtree(state.Id, out subtree))
                throw new MetadataException(MetadataError.Corrupt, $"thin device {state.Id} has details but no mappings");
            using (gate.Write())
                (state.Details, state.Root, state.IsChanged) = (details, subtree, false);
        }
    }

    private bool TryRead(ThinId id, out DeviceDetails details)
    {
        Span<byte> value = stackalloc byte[DeviceDetails.SizeBytes];
        var found = _details.TryLookup(Root, id.Value, value);
        details = found ? DeviceDetails.Read(value) : default;
        return found;
    }
}
