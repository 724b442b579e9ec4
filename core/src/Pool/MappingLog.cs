using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Files;
using CsiThin.Core.Format;
using CsiThin.Core.Metadata;

namespace CsiThin.Core.Pool;

/// <summary>
/// The changes of mappings that were acknowledged and not yet committed, in memory that outlives the process but not the machine.
/// <para>
/// Why: an acknowledged write may be lost with the machine until it is flushed, and everybody above a disk knows that. But when this
/// process dies and the kernel lives on, the kernel has forgotten the write, and will never send it again: its flush, sent to the next
/// life of this process, would answer for something that is gone. The data of such a write is on the disk; only its mapping is not.
/// </para>
/// <list type="number">
/// <item>A record is written when the mapping has been changed in memory, and so after the data is on the disk and before the request is
/// answered.</item>
/// <item>Records count from one commit on, which is known by the superblock's checksum: those of another commit, of another boot, or of
/// another pool mean nothing.</item>
/// <item>A record counts once the counter behind it says so: it is stored after the record.</item>
/// <item>On opening they are applied in order, which finds every data block free that they map: blocks freed since a commit are not handed
/// out before the next one.</item>
/// </list>
/// <para>Concurrency: the pool's worker alone.</para>
/// </summary>
internal sealed class MappingLog : IDisposable
{
    private const ulong MagicValue = 0x474F4C50414D5443; // "CTMAPLOG"
    private const int RecordsOffset = 4096;
    private const int RecordsMax = 1 << 16;
    private const string BootIdPath = "/proc/sys/kernel/random/boot_id";

    private readonly SharedFile _file;

    private MappingLog(SharedFile file) => _file = file;

    private ref Header Head => ref MemoryMarshal.AsRef<Header>(_file.Span);

    private Span<Record> Records => MemoryMarshal.Cast<byte, Record>(_file.Span[RecordsOffset..]);

    /// <summary>The records that are there, whatever they mean.</summary>
    public int Count => Head.Count;

    /// <summary>
    /// Opens the log of a pool in a directory, which is made if need be. What another boot, or another pool, left there is emptied.
    /// <see cref="DiskException"/>, <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> when it cannot be had.
    /// </summary>
    public static MappingLog Open(string directory, Guid pool)
    {
        Directory.CreateDirectory(directory);
        var boot = File.Exists(BootIdPath) && Guid.TryParse(File.ReadAllText(BootIdPath).AsSpan().Trim(), out var id) ? id : Guid.Empty;
        var log = new MappingLog(
            new SharedFile(Path.Combine(directory, $"{pool:N}.mappings"), RecordsOffset + RecordsMax * Unsafe.SizeOf<Record>()));
        ref var head = ref log.Head;
        if (head.Magic != MagicValue || head.Boot != boot || head.Pool != pool || head.Count is < 0 or > RecordsMax)
        {
            Volatile.Write(ref head.Count, 0);
            (head.Magic, head.Boot, head.Pool) = (MagicValue, boot, pool);
        }
        return log;
    }

    /// <summary>
    /// Records that blocks from <paramref name="begin"/> on are mapped to data blocks from <paramref name="data"/> on. False: it is full,
    /// and the caller must commit before it answers.
    /// </summary>
    public bool TryAddMapped(ThinMetadata metadata, ThinId device, VirtualBlock begin, DataBlock data, ulong count) =>
        TryAdd(metadata, new Record { Device = device.Value, IsMapped = 1, Begin = begin.Value, Data = data.Value, Length = count });

    /// <summary>Records that nothing in the range is mapped; the same.</summary>
    public bool TryAddUnmapped(ThinMetadata metadata, ThinId device, VirtualBlock begin, VirtualBlock end) =>
        TryAdd(metadata, new Record { Device = device.Value, Begin = begin.Value, Length = end.Value - begin.Value });

    /// <summary>All that was recorded is committed.</summary>
    public void Reset(ThinMetadata metadata)
    {
        ref var head = ref Head;
        Volatile.Write(ref head.Count, 0);
        head.Commit = metadata.CommitMark;
    }

    /// <summary>
    /// Applies to the metadata, as it was committed last, what was acknowledged after that; returns how many records there were. A record
    /// that does not fit is a <see cref="MetadataException"/>: then nothing here can be trusted, and nothing must be committed.
    /// </summary>
    public int Replay(ThinMetadata metadata)
    {
        if (Head.Commit != metadata.CommitMark)
            return 0;
        foreach (ref readonly var record in Records[..Head.Count])
        {
            using var device = metadata.OpenThin(new ThinId(record.Device));
            if (record.IsMapped != 0)
                Map(metadata, device, record);
            else
                metadata.RemoveRange(device, new VirtualBlock(record.Begin), new VirtualBlock(record.Begin + record.Length));
        }
        return Head.Count;
    }

    /// <summary>The pool is closed, with everything committed: the file is not needed any more.</summary>
    public void Delete() => _file.Delete();

    public void Dispose() => _file.Dispose();

    private static void Map(ThinMetadata metadata, ThinDevice device, in Record record)
    {
        for (ulong i = 0; i < record.Length; i++)
        {
            var (block, data) = (new VirtualBlock(record.Begin + i), new DataBlock(record.Data + i));
            var after = new DataBlock(data.Value + 1);
            var (free, _) = metadata.FindFreeData(data, after, 1);
            if (free != data)
                throw new MetadataException(MetadataError.Corrupt, $"data block {data}, which an acknowledged write has filled, is in use");
            metadata.IncrementData(data, after);
            metadata.Insert(device, block, data);
        }
    }

    private bool TryAdd(ThinMetadata metadata, in Record record)
    {
        ref var head = ref Head;
        if (head.Commit != metadata.CommitMark)
            Reset(metadata); // somebody committed on the way
        var count = head.Count;
        if (count == RecordsMax)
            return false;
        Records[count] = record;
        Volatile.Write(ref head.Count, count + 1);
        return true;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Header
    {
        public ulong Magic;
        public Guid Boot;
        public Guid Pool;
        public uint Commit;
        public int Count;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Record
    {
        public uint Device;
        public uint IsMapped;
        public ulong Begin;
        public ulong Data;
        public ulong Length;
    }
}
