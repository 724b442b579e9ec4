using System.Runtime.InteropServices;
using CsiThin.Core.Device;
using CsiThin.Driver.Attach.Netlink;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Attach;

/// <summary>
/// The kernel's NBD client as the rest of this folder needs it: calls that may wait inside the kernel run where no thread that serves
/// anything waits with them (those to netlink, which takes one at a time, on one thread), and whatever goes wrong is a
/// <see cref="VolumeException"/>. Any thread may call.
/// </summary>
internal sealed class KernelNbd(SysNbd sys, TimeSpan limit, TimeProvider time) : IDisposable
{
    /// <summary>The first kernel that shows a device's backend, without which a device cannot be told from another's.</summary>
    public static readonly Version OldestKernel = new(5, 14);

    private readonly Lock _gate = new();
    private readonly OneThreadScheduler _calls = new("nbd calls");
    private NbdNetlink? _netlink;

    /// <summary>The devices there are.</summary>
    public SysNbd Sys { get; } = sys;

    /// <summary>Why this host can have no devices at this moment, with the remedy; null where it can.</summary>
    public string? FindProblem()
    {
        try
        {
            _ = Netlink().Family;
            return null;
        }
        catch (Exception failure) when (failure is NetlinkException or DiskException or VolumeException)
        {
            return KernelErrors.Remedy(failure);
        }
    }

    /// <summary>Makes a device; returns its number.</summary>
    public Task<uint> ConnectAsync(string what, NbdDeviceSpec spec, SafeHandle socket) =>
        RunAsync(what, netlink => netlink.Connect(spec, socket));

    /// <summary>Ends a device.</summary>
    public Task DisconnectAsync(string what, uint index) => RunAsync(what, netlink =>
    {
        netlink.Disconnect(index);
        return true;
    });

    /// <summary>Gives a device a new socket; see <see cref="NbdNetlink.Reconnect"/> for what success means.</summary>
    public Task ReconnectAsync(string what, uint index, string backend, SafeHandle socket) => RunAsync(what, netlink =>
    {
        netlink.Reconnect(index, backend, socket);
        return true;
    });

    /// <summary>Changes the size a device shows.</summary>
    public Task ResizeAsync(string what, uint index, string backend, long sizeBytes, int blockBytes) => RunAsync(what, netlink =>
    {
        netlink.Resize(index, backend, sizeBytes, blockBytes);
        return true;
    });

    /// <summary>Whether the kernel itself says that a device is connected; a kernel without nbd has none.</summary>
    public Task<bool> IsConnectedAsync(string what, uint index) => RunAsync(what, netlink =>
    {
        try
        {
            return netlink.IsConnected(index);
        }
        catch (NetlinkException none) when (none.Errno == Errno.NoSuchFile)
        {
            return false;
        }
    });

    /// <summary>
    /// Runs what may wait in the kernel on a thread of its own. After <paramref name="limit"/> nobody waits for it any more, though it may
    /// yet be carried out; what it then returns is disposed.
    /// </summary>
    public static Task<T> RunAsync<T>(string what, Func<T> call, TimeSpan limit, TimeProvider time) =>
        AwaitAsync(what, StartAsync(call, TaskScheduler.Default, CancellationToken.None), limit, time);

    /// <inheritdoc/>
    public void Dispose()
    {
        _calls.Dispose();
        lock (_gate)
            _netlink?.Dispose();
    }

    private async Task<T> RunAsync<T>(string what, Func<NbdNetlink, T> call)
    {
        // Given up with the wait for it: what it was handed, a socket, may be closed by its turn.
        using var giveUp = new CancellationTokenSource();
        try
        {
            return await AwaitAsync(what, StartAsync(() => call(Netlink()), _calls, giveUp.Token), limit, time).ConfigureAwait(false);
        }
        finally
        {
            await giveUp.CancelAsync().ConfigureAwait(false);
        }
    }

    private static Task<T> StartAsync<T>(Func<T> call, TaskScheduler scheduler, CancellationToken giveUp) => Task.Factory.StartNew(
        call, giveUp, TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously, scheduler);

    private static async Task<T> AwaitAsync<T>(string what, Task<T> running, TimeSpan limit, TimeProvider time)
    {
        try
        {
            return await running.WaitAsync(limit, time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _ = running.ContinueWith(
                late => (late.Result as IDisposable)?.Dispose(),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
            throw new VolumeException(VolumeError.Unavailable, $"{what}: the kernel is not done with it after {limit.TotalSeconds:0.#} s");
        }
        catch (Exception failure) when (failure is NetlinkException or IOException or UnauthorizedAccessException)
        {
            throw KernelErrors.Translate(what, failure);
        }
    }

    private NbdNetlink Netlink()
    {
        lock (_gate)
        {
            if (Environment.OSVersion.Version < OldestKernel)
                throw KernelErrors.TooOld();
            return _netlink ??= NbdNetlink.Open(time);
        }
    }
}
