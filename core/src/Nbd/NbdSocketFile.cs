using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using CsiThin.Core.Device.Files;

namespace CsiThin.Core.Nbd;

/// <summary>
/// A listening unix socket and its file.
/// <list type="number">
/// <item>The file's mode is 0600 before anybody can connect: it is set between bind and listen.</item>
/// <item>A socket that nobody listens on any more is replaced; one that is alive, and any file that is no socket, is left alone and
/// refused.</item>
/// <item>Two servers that start at once on one path do not take it from each other: look, remove and bind happen under a lock on the
/// directory.</item>
/// <item>Closing removes the file, but only if it is still ours.</item>
/// </list>
/// </summary>
public sealed class NbdSocketFile : IDisposable
{
    private const int Backlog = 128;

    private readonly string _path;
    private readonly string _directory;
    private readonly FileIdentity _identity;

    /// <summary>
    /// Listens on <paramref name="path"/>. Throws <see cref="IOException"/> with a sentence that names the path and the reason.
    /// </summary>
    public NbdSocketFile(string path)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("the socket's mode cannot be kept here");
        _path = Path.GetFullPath(path);
        _directory = Path.GetDirectoryName(_path) ?? throw new IOException($"cannot listen on {path}: it is a directory");
        var endPoint = EndPointOf(_path);
        using var exclusive = new DirectoryLock(_directory);
        RemoveStale(endPoint);
        Listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            Listener.Bind(endPoint);
            _identity = FileIdentity.Of(_path) ?? throw new IOException($"cannot listen on {_path}: the socket vanished");
            File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Listener.Listen(Backlog);
            Listener.Blocking = false;
        }
        catch (Exception failure) when (failure is SocketException or UnauthorizedAccessException or IOException)
        {
            Listener.Dispose();
            throw new IOException($"cannot listen on {_path}: {failure.Message}", failure);
        }
    }

    /// <summary>Accepts without waiting.</summary>
    public Socket Listener { get; }

    /// <summary>Stops listening and removes the file.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "The listener's finalizer would remove the file.")]
    public void Dispose()
    {
        if (!TryCloseWithFile())
        {
            // The class library removes whatever lies at the bound path when the socket is disposed; the bare descriptor leaves it alone.
            Listener.SafeHandle.Dispose();
            GC.SuppressFinalize(Listener);
        }
    }

    private bool TryCloseWithFile()
    {
        try
        {
            using var exclusive = new DirectoryLock(_directory);
            if (FileIdentity.Of(_path) != _identity)
                return false;
            Listener.Dispose();
            File.Delete(_path);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The directory is gone or closed to us: the file is either gone with it, or stale, which the next server mends.
            return false;
        }
    }

    private static UnixDomainSocketEndPoint EndPointOf(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentOutOfRangeException tooLong)
        {
            throw new IOException($"cannot listen on {path}: the path of a unix socket has at most 107 bytes", tooLong);
        }
    }

    private void RemoveStale(UnixDomainSocketEndPoint endPoint)
    {
        if (FileIdentity.Of(_path) is not { } found)
            return;
        if (!found.IsSocket)
            throw new IOException($"cannot listen on {_path}: a file that is no socket is there");
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(endPoint);
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(_path);
            return;
        }
        catch (SocketException other) when (other.SocketErrorCode != SocketError.WouldBlock)
        {
            throw new IOException($"cannot listen on {_path}: whether the socket there is alive cannot be told: {other.Message}", other);
        }
        throw new IOException($"cannot listen on {_path}: another server is listening there");
    }
}
