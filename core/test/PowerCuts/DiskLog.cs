using System.Security.Cryptography;

namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>All that happened in one life of a pool. From it, and a number for chance, any power cut can be made again.</summary>
internal sealed class DiskLog
{
    private readonly List<DiskEvent> _events = [];

    public IReadOnlyList<DiskEvent> Events => _events;

    /// <summary>Nothing more is recorded: the life that interests us is over, and what follows only tidies up.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Adds an event and returns its place.</summary>
    public int Add(DiskEvent happened)
    {
        if (!IsClosed)
            _events.Add(happened);
        return _events.Count - 1;
    }

    public void Close() => IsClosed = true;

    /// <summary>Two logs with the same digest told their disks the same, byte for byte.</summary>
    public string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var happened in _events)
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{happened.GetType().Name} {(happened as DiskWrite)?.OffsetBytes}\n"));
            if (happened is DiskWrite write)
                hash.AppendData(write.Bytes);
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
