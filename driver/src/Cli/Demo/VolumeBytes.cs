using System.Security.Cryptography;

namespace CsiThin.Driver.Cli.Demo;

/// <summary>Copies and compares whole volumes over NBD, piece by piece.</summary>
internal static class VolumeBytes
{
    private const int PieceBytes = 1 << 20;
    private const int ChangeBytes = 64 << 10;

    /// <summary>
    /// SHA-256 of a file or of what <paramref name="client"/> shows, which is copied to <paramref name="copyPath"/> meanwhile (zeroes as
    /// holes).
    /// </summary>
    public static string HashAndCopy(NbdClient client, string copyPath)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var copy = new FileStream(copyPath, FileMode.Create);
        copy.SetLength(client.LengthBytes);
        var piece = new byte[PieceBytes];
        for (long at = 0; at < client.LengthBytes; at += PieceBytes)
        {
            var part = piece.AsSpan(0, (int)Math.Min(PieceBytes, client.LengthBytes - at));
            client.Read(at, part);
            hash.AppendData(part);
            if (!part.ContainsAnyExcept((byte)0))
                continue;
            copy.Seek(at, SeekOrigin.Begin);
            copy.Write(part);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>SHA-256 of a file.</summary>
    public static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }

    /// <summary>Writes what is not zero in the file.</summary>
    public static long Fill(NbdClient client, string path) => WriteWhere(client, path, (_, piece) => piece.ContainsAnyExcept((byte)0));

    /// <summary>
    /// Writes where <paramref name="path"/> differs from <paramref name="beforePath"/>, as the file system's own writes would; returns the
    /// bytes written.
    /// </summary>
    public static long WriteChanges(NbdClient client, string beforePath, string path)
    {
        using var before = File.OpenRead(beforePath);
        var old = new byte[ChangeBytes];
        return WriteWhere(client, path, (at, piece) =>
        {
            before.Seek(at, SeekOrigin.Begin);
            before.ReadExactly(old.AsSpan(0, piece.Length));
            return !piece.SequenceEqual(old.AsSpan(0, piece.Length));
        });
    }

    private static long WriteWhere(NbdClient client, string path, Judge isWanted)
    {
        using var file = File.OpenRead(path);
        var piece = new byte[ChangeBytes];
        var writtenBytes = 0L;
        for (long at = 0; at < file.Length; at += ChangeBytes)
        {
            var part = piece.AsSpan(0, (int)Math.Min(ChangeBytes, file.Length - at));
            file.ReadExactly(part);
            if (!isWanted(at, part))
                continue;
            client.Write(at, part);
            writtenBytes += part.Length;
        }

        client.Flush();
        return writtenBytes;
    }

    private delegate bool Judge(long offsetBytes, ReadOnlySpan<byte> piece);
}
