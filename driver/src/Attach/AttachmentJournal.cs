using CsiThin.Core.Device.Files;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// Which volumes are devices of the kernel, in a file that outlives the process.
/// <list type="number">
/// <item>A volume is in the file, durable, before the kernel sees its device, and leaves it after the device is gone: what the kernel has
/// is always there.</item>
/// <item>Records are only appended. A tail that is torn was never acknowledged, and is cut off.</item>
/// <item>Anything else that is wrong makes the file worthless as a whole: it is set aside under another name, for a person to look at, and
/// the caller begins from what the kernel has.</item>
/// <item>When most of the file is about what is over, it is written anew, in one step.</item>
/// <item>One process at a time has it open.</item>
/// </list>
/// <para>Concurrency: any thread may call; <c>_gate</c> orders the writes.</para>
/// </summary>
internal sealed class AttachmentJournal : IDisposable
{
    private const string FileName = "attachments";
    private const int SpareLines = 64;

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly Lock _gate = new();
    private readonly Dictionary<VolumeId, Attachment> _entries = [];
    private FileStream? _file;
    private int _lines;

    private AttachmentJournal(string path, FileStream exclusive) => (_path, _lock) = (path, exclusive);

    /// <summary>Where the worthless file lies now, null when the file was sound.</summary>
    public string? SetAsidePath { get; private set; }

    /// <summary>All volumes that are, or may be, devices of the kernel, ordered.</summary>
    public IReadOnlyList<Attachment> Entries
    {
        get
        {
            lock (_gate)
                return [.. _entries.Values.OrderBy(entry => entry.Volume.ToString(), StringComparer.Ordinal)];
        }
    }

    /// <summary>
    /// Opens the journal in a directory, which is made if need be. <see cref="VolumeError.Busy"/> when another process has it;
    /// <see cref="IOException"/> when it cannot be read.
    /// </summary>
    public static AttachmentJournal Open(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);
        FileStream exclusive;
        try
        {
            exclusive = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException busy) when (File.Exists(path + ".lock"))
        {
            throw new VolumeException(VolumeError.Busy, $"another engine keeps its attachments in {directory}: {busy.Message}");
        }
        var journal = new AttachmentJournal(path, exclusive);
        try
        {
            journal.Load();
            return journal;
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>Records that a volume becomes a device. Durable when it returns; <see cref="IOException"/> when it cannot be.</summary>
    public void Add(Attachment attachment) => Append(new JournalLine(attachment, IsAttached: true));

    /// <summary>Records that a volume is a device no longer; the same.</summary>
    public void Remove(VolumeId volume)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(volume, out var attachment))
                Append(new JournalLine(attachment, IsAttached: false));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _lock.Dispose();
    }

    private void Load()
    {
        var bytes = File.Exists(_path) ? File.ReadAllBytes(_path) : [];
        var rest = bytes.AsSpan();
        while (rest.Length > 0)
        {
            var end = rest.IndexOf((byte)'\n');
            if (end < 0)
                break; // torn: the record's end never came
            if (JournalLine.Decode(rest[..end]) is not { } line)
            {
                // Garbage at the very end may be a torn write of several sectors; before a sound line it is damage.
                if (rest[(end + 1)..].IndexOf((byte)'\n') >= 0)
                    SetAside();
                break;
            }
            Apply(line);
            rest = rest[(end + 1)..];
        }
        Rewrite();
    }

    private void SetAside()
    {
        _entries.Clear();
        SetAsidePath = DurableFile.SetAside(_path);
    }

    private void Apply(JournalLine line)
    {
        if (line.IsAttached)
            _entries[line.Attachment.Volume] = line.Attachment;
        else
            _entries.Remove(line.Attachment.Volume);
    }

    private void Append(JournalLine line)
    {
        lock (_gate)
        {
            if (_file is null || _lines > SpareLines + 2 * _entries.Count)
                Rewrite();
            try
            {
                _file!.Write(line.Encode());
                _file.Flush(flushToDisk: true);
            }
            catch (IOException)
            {
                // What is in the file now is not known: it is written anew before the next record.
                _file?.Dispose();
                _file = null;
                throw;
            }
            Apply(line);
            _lines++;
        }
    }

    private void Rewrite()
    {
        _file?.Dispose();
        _file = null;
        DurableFile.Write(
            _path, [.. _entries.Values.SelectMany(attachment => new JournalLine(attachment, IsAttached: true).Encode())]);
        _file = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        _lines = _entries.Count;
    }
}
