namespace CsiThin.Core.Tests.PowerCuts;

/// <summary>One event of a pool's life, as a <see cref="DiskLog"/> has it: what the disk was told, or what the world saw.</summary>
internal abstract record DiskEvent
{
    /// <summary>The disk was told something: the power may fail just before it.</summary>
    public virtual bool IsCutPoint => true;
}

/// <summary>Bytes on their way to the disk; a discard is one too, of bytes that nobody may rely on.</summary>
internal sealed record DiskWrite(long OffsetBytes, byte[] Bytes) : DiskEvent;

/// <summary>A barrier was asked for; what is written from here on, it does not cover.</summary>
internal sealed record BarrierBegin : DiskEvent;

/// <summary>It returned: everything before its begin, which is at <paramref name="Begin"/> of the log, is durable.</summary>
internal sealed record BarrierEnd(int Begin) : DiskEvent
{
    public override bool IsCutPoint => false;
}

/// <summary>The disk was made longer, durably, from outside.</summary>
internal sealed record DiskGrowth(long LengthBytes) : DiskEvent;

/// <summary>A request or verb began or was answered.</summary>
internal sealed record Happening(Action<CutModel> Apply) : DiskEvent
{
    public override bool IsCutPoint => false;
}
