namespace CsiThin.Core.Pool;

/// <summary>
/// The handle of a volume or snapshot: <c>POOLUUID-NUMBER</c>, 32 lower-case hexadecimal digits and a decimal number that the pool never
/// uses again. At most 53 of the 128 bytes CSI allows, of [a-z0-9-].
/// </summary>
public readonly record struct VolumeId(Guid Pool, ulong Number)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Pool:N}-{Number}");

    /// <summary>Reads a handle; false for whatever <see cref="ToString"/> would not have written.</summary>
    public static bool TryParse(string? text, out VolumeId id)
    {
        id = default;
        if (text is not { Length: >= 34 and <= 53 } || text[32] != '-')
            return false;
        if (!Guid.TryParseExact(text.AsSpan(0, 32), "N", out var pool) ||
            !ulong.TryParse(
                text.AsSpan(33), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number))
            return false;
        id = new VolumeId(pool, number);
        return id.ToString() == text;
    }
}
