using System.Collections.Concurrent;
using System.Text.Json;
using CsiThin.Core.Device.Files;
using CsiThin.Core.Pool;
using CsiThin.Driver.Volumes;
using Microsoft.Extensions.Logging;

namespace CsiThin.Driver.Node;

/// <summary>
/// The node's memory over its own death: a small file for each volume, replaced as a whole and durable when a change returns. What the
/// kernel's table shows is not repeated here, so that losing the directory costs only what is said at <see cref="VolumeRecord"/>: an
/// interrupted mkfs is then not redone but reported. A file that cannot be read counts as lost.
/// <para>Concurrency: members from any thread; the caller holds the volume's lock while it changes its record.</para>
/// </summary>
internal sealed partial class NodeState
{
    private const string Extension = ".json";
    private readonly string _directory;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<VolumeId, VolumeRecord> _records = new();

    /// <summary>Reads what is in the directory, which is made if it is not there. Throws <see cref="IOException"/>.</summary>
    public NodeState(string directory, ILogger log)
    {
        _directory = directory;
        _log = log;
        Directory.CreateDirectory(directory);
        foreach (var file in Directory.EnumerateFiles(directory, "*" + Extension))
        {
            if (VolumeId.TryParse(Path.GetFileNameWithoutExtension(file), out var id) && Load(file) is { } record)
                _records[id] = record;
        }
    }

    /// <summary>What is remembered of a volume; an empty record when nothing is.</summary>
    public VolumeRecord Of(VolumeId id) => _records.GetValueOrDefault(id) ?? new VolumeRecord();

    /// <summary>The volume other than <paramref name="id"/> that has this path as its staging path or target, if one has.</summary>
    public VolumeId? OtherAt(string path, VolumeId id)
    {
        foreach (var (other, record) in _records)
        {
            if (other != id && (record.StagingPath == path || record.Targets.Any(target => target.Path == path)))
                return other;
        }
        return null;
    }

    /// <summary>Changes a record, durably: <see cref="VolumeError.HostFailed"/> when it cannot be written, and then it stays.</summary>
    public void Change(VolumeId id, Func<VolumeRecord, VolumeRecord> change)
    {
        var before = Of(id);
        var after = change(before);
        if (after == before)
            return;
        var path = Path.Combine(_directory, id + Extension);
        try
        {
            if (after.IsEmpty)
                DurableFile.Delete(path);
            else
                DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(after, VolumeRecordJson.Default.VolumeRecord));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new VolumeException(VolumeError.HostFailed, $"the record of volume '{id}' cannot be written: {failure.Message}");
        }
        if (after.IsEmpty)
            _ = _records.TryRemove(id, out _);
        else
            _records[id] = after;
    }

    private VolumeRecord? Load(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), VolumeRecordJson.Default.VolumeRecord);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            LogUnreadable(_log, file, failure.Message);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The record {File} cannot be read and is taken for lost: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string file, string reason);
}
