using System.Text;
using CsiThin.Core.Format;

namespace CsiThin.Core.Metadata;

/// <summary>Thin devices from <paramref name="Begin"/> up to, and without, <paramref name="End"/>; null for "to the end".</summary>
public readonly record struct ThinRange(ThinId Begin, ThinId? End)
{
    /// <inheritdoc/>
    public override string ToString() => $"thin devices {Begin} to {(End is { } end ? end.ToString() : "the end")}";
}

/// <summary>Where metadata is damaged, and what that costs: blocks of one thin device, or whole devices.</summary>
/// <param name="Path">The blocks from the superblock's child down to the one to blame.</param>
public sealed record DamagePlace(IReadOnlyList<MetaBlock> Path)
{
    /// <summary>The thin device affected, if it is one alone.</summary>
    public ThinId? Thin { get; init; }

    /// <summary>The first virtual block affected, where mappings are.</summary>
    public VirtualBlock? Begin { get; init; }

    /// <summary>The first virtual block no longer affected; null for "to the end".</summary>
    public VirtualBlock? End { get; init; }

    /// <summary>The devices affected, where whole devices are.</summary>
    public ThinRange? Devices { get; init; }

    /// <summary>For people: <c>superblock -> 12 -> 37 [thin 3, blocks 100 to 252]</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("superblock");
        foreach (var block in Path)
            text.Append(" -> ").Append(block);
        if (Thin is { } thin)
            text.Append(" [thin ").Append(thin).Append(", blocks ").Append(Begin).Append(" to ")
                .Append(End is { } end ? end.ToString() : "the end").Append(']');
        else if (Devices is { } devices)
            text.Append(" [").Append(devices).Append(']');
        return text.ToString();
    }

    /// <summary>Devices by keys of a tree, which may be no ids.</summary>
    internal static ThinRange RangeOf(ulong low, ulong? above) =>
        new(new ThinId((uint)Math.Min(low, ThinId.MaxValue)), above is { } end && end <= ThinId.MaxValue ? new ThinId((uint)end) : null);
}
