using System.Globalization;

namespace CsiThin.Core.Pool.Catalogs;

/// <summary>
/// What holds for every catalog, whoever wrote it: a checksum proves that it is as it was written, not that sense was written. Each answer
/// is null, or says what is wrong.
/// </summary>
internal static class CatalogRules
{
    public const int NameCharactersMax = 128;

    /// <summary>Judges all entries together; <paramref name="nextNumber"/> is the first number that none ever had.</summary>
    public static string? Judge(IReadOnlyCollection<CatalogChange> entries, ulong nextNumber)
    {
        var names = new HashSet<(VolumeKind, string)>();
        var devices = new HashSet<uint>();
        foreach (var entry in entries)
        {
            if (entry.Number >= nextNumber)
                return string.Create(CultureInfo.InvariantCulture,
                    $"it has a volume {entry.Number}, and the next one would be {nextNumber}");
            if ((entry.Put?.ThinId ?? entry.Dying) is { } device && !devices.Add(device.Value))
                return $"two entries name thin device {device}";
            if (entry.Put is not { } volume)
                continue;
            if (JudgeName(volume.Name) is { } wrong)
                return string.Create(CultureInfo.InvariantCulture, $"volume {entry.Number} cannot be called so: {wrong.TrimEnd('.')}");
            if (!names.Add((volume.Kind, volume.Name)))
                return $"two entries are called '{volume.Name}'";
            if (!IsSize(volume.SizeBytes))
                return string.Create(CultureInfo.InvariantCulture, $"'{volume.Name}' cannot have {volume.SizeBytes} bytes");
        }
        return null;
    }

    /// <summary>A name has 1 to 128 characters, and none of them is a control character.</summary>
    public static string? JudgeName(string name)
    {
        if (name.Length is 0 or > NameCharactersMax)
            return string.Create(CultureInfo.InvariantCulture,
                $"A name must have 1 to {NameCharactersMax} characters; this one has {name.Length}.");
        return name.Any(char.IsControl) || !IsWholeUnicode(name)
            ? "A name must not contain control characters or broken Unicode."
            : null;
    }

    /// <summary>A virtual size is whole sectors.</summary>
    public static bool IsSize(long sizeBytes) => sizeBytes is > 0 and <= ThinPool.VolumeBytesMax && sizeBytes % 512 == 0;

    /// <summary>False for text with a lone surrogate, which UTF-8 cannot carry there and back.</summary>
    private static bool IsWholeUnicode(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 >= text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }
        return true;
    }
}
