using CsiThin.Core.Metadata;
using CsiThin.Core.Pool.Space;

namespace CsiThin.Core.Pool;

/// <summary>
/// An open volume as all its handles share it. The worker alone changes it; <see cref="LengthBytes"/>, <see cref="Device"/> and the gate
/// are read by the threads that serve requests, for which the object lives as long as their handle.
/// </summary>
internal sealed class VolumeState(VolumeInfo volume, ThinDevice device)
{
    private long _lengthBytes = volume.SizeBytes;

    public VolumeInfo Volume { get; private set; } = volume;

    public ThinDevice Device { get; } = device;

    public WriteGate Writes { get; } = new();

    /// <summary>What becomes of its writes when the pool is full; for the worker.</summary>
    public FullPolicy WhenFull { get; private set; } = FullPolicies.Of(volume.Parameters);

    public int Handles { get; set; }

    /// <summary>The size requests are checked against: that of the last committed growth.</summary>
    public long LengthBytes => Volatile.Read(ref _lengthBytes);

    public void Replace(VolumeInfo volume)
    {
        Volume = volume;
        WhenFull = FullPolicies.Of(volume.Parameters);
        Volatile.Write(ref _lengthBytes, volume.SizeBytes);
    }
}
