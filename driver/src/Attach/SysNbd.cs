using System.Globalization;
using System.Text;

namespace CsiThin.Driver.Attach;

/// <summary>
/// The kernel's NBD devices by what sysfs tells. A device may vanish while it is looked at: then it is not there, which is no error. Any
/// thread may call.
/// </summary>
internal sealed class SysNbd(string sysPath = "/sys")
{
    private const int SectorBytes = 512;
    private const int TextBytesMax = 4096; // a page, the most an attribute can say

    /// <summary>Every NBD device there is, ordered by number.</summary>
    public IReadOnlyList<NbdDevice> List() =>
    [
        .. from name in Names()
           let index = IndexOf(name)
           where index is not null
           orderby index
           let device = Find(index.Value)
           where device is not null
           select device,
    ];

    /// <summary>The device of that number, null when there is none.</summary>
    public NbdDevice? Find(uint index)
    {
        var directory = DirectoryOf(index);
        var numbers = (Read(directory, "dev") ?? "").Split(':');
        if (numbers is not [var first, var second] || !uint.TryParse(first, out var major) || !uint.TryParse(second, out var minor))
            return null;
        return new NbdDevice(
            index,
            string.Create(CultureInfo.InvariantCulture, $"/dev/nbd{index}"),
            major,
            minor,
            Read(directory, "backend"),
            IsConnected: Read(directory, "pid") is { Length: > 0 },
            Number(directory, "size") * SectorBytes,
            (int)Number(directory, "queue/logical_block_size"),
            IsReadOnly: Number(directory, "ro") != 0,
            InFlight: (int)(Read(directory, "inflight") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Sum(count => long.TryParse(count, out var number) ? number : 0));
    }

    /// <summary>The connected device with that backend, null when there is none.</summary>
    public NbdDevice? FindByBackend(string backend) =>
        List().FirstOrDefault(device => device.IsConnected && device.Backend == backend);

    /// <summary>
    /// Sets how long the kernel waits for an answer before it looks again; for requests it begins from now on. False when the device is not
    /// there or does not let itself be told.
    /// </summary>
    public bool TrySetRequestTimer(uint index, int timeMs) =>
        TryWrite(index, "queue/io_timeout", timeMs.ToString(CultureInfo.InvariantCulture));

    /// <summary>
    /// Sets whether the device counts as one that spins; false as above. The flag of the protocol says it too, but kernels before 6.12 do
    /// not look at that and take every NBD device for one that does not.
    /// </summary>
    public bool TrySetRotational(uint index, bool isRotational) => TryWrite(index, "queue/rotational", isRotational ? "1" : "0");

    private static uint? IndexOf(string name) =>
        name.StartsWith("nbd", StringComparison.Ordinal) && uint.TryParse(name.AsSpan(3), NumberStyles.None, null, out var index)
            ? index
            : null;

    private bool TryWrite(uint index, string name, string text)
    {
        try
        {
            File.WriteAllText(Path.Combine(DirectoryOf(index), name), text);
            return true;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private IEnumerable<string> Names()
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries($"{sysPath}/block").Select(entry => Path.GetFileName(entry))];
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private string DirectoryOf(uint index) => string.Create(CultureInfo.InvariantCulture, $"{sysPath}/block/nbd{index}");

    private static long Number(string directory, string name) =>
        long.TryParse(Read(directory, name), CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static string? Read(string directory, string name)
    {
        try
        {
            // Read by one call, as sysfs answers: after an engine's return there are several hundred to read.
            using var file = File.OpenHandle(Path.Combine(directory, name));
            Span<byte> text = stackalloc byte[TextBytesMax];
            return Encoding.UTF8.GetString(text[..RandomAccess.Read(file, text, 0)]).TrimEnd();
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
