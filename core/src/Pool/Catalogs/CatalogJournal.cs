using System.Globalization;
using CsiThin.Core.Device;

namespace CsiThin.Core.Pool.Catalogs;

/// <summary>
/// The catalog on disk: two journal regions, of which the one with the higher generation counts. A journal is a sequence of
/// <see cref="CatalogFrame"/>s; frame 0 holds all entries that lived when the journal was begun, each later one the changes of a
/// transaction.
/// <para>
/// Invariants. (1) A frame is tagged with the transaction id that makes it true: above the superblock's id, it never happened. (2) Only one
/// frame can be in that state, the last, because a transaction's frame is written before its superblock and the next one after it. (3)
/// Committed bytes are never rewritten; the block behind the last committed frame reads as zeroes or as a frame that never happened, so
/// that a damaged frame is told from the end;
/// (4) when a region is full, all that lives goes into the other region as frame 0 of the next generation, in the same transaction as the
/// change that did not fit.
/// </para>
/// Belongs to the pool's worker (or whoever opens the pool, before there is one).
/// </summary>
internal sealed class CatalogJournal
{
    private readonly IDisk _regionA;
    private readonly IDisk _regionB;
    private readonly Guid _pool;
    private IDisk _region;
    private ulong _generation;
    private ulong _sequence;
    private long _endBytes;

    public CatalogJournal(IDisk regionA, IDisk regionB, Guid pool)
    {
        _regionA = regionA;
        _regionB = regionB;
        _pool = pool;
        _region = regionA;
    }

    /// <summary>Begins the first journal of a new pool and makes the other region unreadable as one.</summary>
    public static void Format(IDisk regionA, IDisk regionB, Guid pool)
    {
        var empty = new byte[CatalogFrame.BlockBytes];
        Write(regionA, 0, CatalogFrame.Encode(pool, new CatalogFrameHeader(1, 0, 0, 1), []));
        Write(regionA, CatalogFrame.BlockBytes, empty);
        Write(regionB, 0, empty);
    }

    /// <summary>The transaction of the last frame that was read.</summary>
    public ulong LastTransactionId { get; private set; }

    /// <summary>
    /// Reads the journal as of <paramref name="transactionId"/>; returns the first number never used. Corrupt when neither region has a
    /// readable frame 0.
    /// </summary>
    public ulong Load(ulong transactionId, Dictionary<ulong, CatalogChange> entries)
    {
        var best = Peek(_regionA, transactionId);
        var other = Peek(_regionB, transactionId);
        _region = other > best ? _regionB : _regionA;
        _generation = Math.Max(best, other);
        if (_generation == 0)
            throw new PoolException(PoolError.Corrupt, string.Create(CultureInfo.InvariantCulture,
                $"The catalog of pool {_pool:N} cannot be read: neither journal has a valid first record at or before transaction " +
                $"{transactionId}."));
        ulong next = 1;
        ulong last = 0;
        while (ReadFrame(_region, _endBytes, out var header, out var changes) is var bytes && bytes > 0
            && header.Generation == _generation && header.Sequence == _sequence && header.TransactionId <= transactionId)
        {
            foreach (var change in changes)
                Apply(change, entries);
            next = header.NextNumber;
            LastTransactionId = last = header.TransactionId;
            _sequence++;
            _endBytes += bytes;
        }
        // Equal when all of it was read. Somebody else's tool may have raised the superblock's id; then nothing but zeroes follows, and no
        // later frame of this journal behind them.
        if (last < transactionId && (!IsZeroAtEnd() || HasFrameBehindEnd()))
            throw new PoolException(PoolError.Corrupt, string.Create(CultureInfo.InvariantCulture,
                $"The catalog of pool {_pool:N} is damaged at byte {_endBytes} of its journal: it can be read up to transaction {last}, " +
                $"and the metadata is at {transactionId}."));
        return next;
    }

    /// <summary>
    /// Destroys a frame that never happened, and a half-begun journal in the other region, before anything else is written: a kernel or
    /// tool that serves the pool in between may raise the transaction id, and must not make them true.
    /// </summary>
    public void Scrub()
    {
        var zeroes = new byte[CatalogFrame.BlockBytes];
        if (_endBytes < _region.LengthBytes && ReadFrame(_region, _endBytes, out _, out _) > 0)
            Write(_region, _endBytes, zeroes);
        var other = Other(_region);
        if (ReadFrame(other, 0, out var header, out _) > 0 && header.Generation > _generation)
            Write(other, 0, zeroes);
        _region.Barrier();
    }

    /// <summary>
    /// Writes the changes of the transaction that is about to be committed as <paramref name="transactionId"/>, without a barrier.
    /// <paramref name="living"/> answers every entry after the changes, as puts; asked for only when a new journal must be begun.
    /// </summary>
    public void Append(
        ulong transactionId, ulong nextNumber, IReadOnlyCollection<CatalogChange> changes, Func<IReadOnlyCollection<CatalogChange>> living)
    {
        var frame = CatalogFrame.Encode(_pool, new CatalogFrameHeader(_generation, _sequence, transactionId, nextNumber), changes);
        if (_endBytes + frame.Length > _region.LengthBytes)
        {
            (_region, _generation, _sequence, _endBytes) = (Other(_region), _generation + 1, 0, 0);
            frame = CatalogFrame.Encode(
                _pool, new CatalogFrameHeader(_generation, 0, transactionId, nextNumber), living());
            if (frame.Length > _region.LengthBytes)
                throw Full(frame.Length);
        }
        Write(_region, _endBytes, frame);
        if (_endBytes + frame.Length < _region.LengthBytes)
            Write(_region, _endBytes + frame.Length, new byte[CatalogFrame.BlockBytes]);
        _sequence++;
        _endBytes += frame.Length;
    }

    /// <summary>
    /// The most bytes all living entries may take, so that a new journal can always be begun and still has half its room left.
    /// </summary>
    public long LivingBytesMax => _region.LengthBytes / 2;

    private bool IsZeroAtEnd()
    {
        if (_endBytes >= _region.LengthBytes)
            return true;
        using var block = new AlignedBuffer(CatalogFrame.BlockBytes);
        _region.Read(_endBytes, block.Span);
        return !block.Span.ContainsAnyExcept((byte)0);
    }

    /// <summary>What lies behind the end is from before this journal was begun, unless a block in the middle was lost.</summary>
    private bool HasFrameBehindEnd()
    {
        using var block = new AlignedBuffer(CatalogFrame.BlockBytes);
        var lastBytes = _region.LengthBytes - CatalogFrame.BlockBytes;
        for (var at = _endBytes + CatalogFrame.BlockBytes; at <= lastBytes; at += CatalogFrame.BlockBytes)
        {
            _region.Read(at, block.Span);
            if (CatalogFrame.DecodeHeader(block.Span, _pool, out _) is { } header
                && header.Generation == _generation && header.Sequence > _sequence)
                return true;
        }
        return false;
    }

    private static void Apply(CatalogChange change, Dictionary<ulong, CatalogChange> entries)
    {
        if (change.Put is null && change.Dying is null)
            entries.Remove(change.Number);
        else
            entries[change.Number] = change;
    }

    private PoolException Full(long needBytes) => new(PoolError.NoSpace, string.Create(CultureInfo.InvariantCulture,
        $"The catalog of pool {_pool:N} is full: its entries need {needBytes} bytes and a journal has {_region.LengthBytes}."));

    private IDisk Other(IDisk region) => ReferenceEquals(region, _regionA) ? _regionB : _regionA;

    /// <summary>The generation a region's journal has, 0 if it has none that happened.</summary>
    private ulong Peek(IDisk region, ulong transactionId) =>
        ReadFrame(region, 0, out var header, out _) > 0 && header.Sequence == 0 && header.TransactionId <= transactionId
            ? header.Generation
            : 0;

    /// <summary>Reads the frame at a place; 0 bytes when there is none that is whole.</summary>
    private int ReadFrame(IDisk region, long offsetBytes, out CatalogFrameHeader header, out List<CatalogChange> changes)
    {
        header = default;
        changes = [];
        if (offsetBytes + CatalogFrame.BlockBytes > region.LengthBytes)
            return 0;
        using var first = new AlignedBuffer(CatalogFrame.BlockBytes);
        region.Read(offsetBytes, first.Span);
        if (CatalogFrame.DecodeHeader(first.Span, _pool, out var lengthBytes) is not { } found
            || lengthBytes > region.LengthBytes - offsetBytes)
            return 0;
        var paddedBytes = (lengthBytes + CatalogFrame.BlockBytes - 1) / CatalogFrame.BlockBytes * CatalogFrame.BlockBytes;
        using var whole = new AlignedBuffer(paddedBytes);
        region.Read(offsetBytes, whole.Span);
        if (CatalogFrame.DecodeChanges(whole.Span[..lengthBytes], _pool) is not { } decoded)
            return 0;
        (header, changes) = (found, decoded);
        return paddedBytes;
    }

    private static void Write(IDisk region, long offsetBytes, ReadOnlySpan<byte> blocks)
    {
        using var buffer = new AlignedBuffer(blocks.Length);
        blocks.CopyTo(buffer.Span);
        region.Write(offsetBytes, buffer.Span);
    }
}
