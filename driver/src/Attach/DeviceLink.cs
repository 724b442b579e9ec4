using System.Net.Sockets;
using CsiThin.Core.Device;
using CsiThin.Core.Nbd;

namespace CsiThin.Driver.Attach;

/// <summary>
/// A volume that is a device of the kernel, and the connection that serves it, if one does.
/// <para>Concurrency: changed by the holder of the volume's lock alone; <see cref="IsServed"/> may be asked by any thread.</para>
/// </summary>
internal sealed class DeviceLink(Attachment attachment)
{
    private volatile Connection? _connection;

    /// <summary>What the journal has of it.</summary>
    public Attachment Attachment { get; } = attachment;

    /// <summary>What the kernel knows it by.</summary>
    public string Backend { get; } = BackendName.Of(attachment.Volume);

    /// <summary>The N of nbdN.</summary>
    public uint Index { get; set; }

    /// <summary>How often this process has given it a new connection.</summary>
    public long Reconnects { get; set; }

    /// <summary>What was last said of it in the log, so that a state that lasts is said once.</summary>
    public string? LastComplaint { get; set; }

    /// <summary>A connection of this process serves it.</summary>
    public bool IsServed => _connection is { Ended.IsCompleted: false };

    /// <summary>
    /// Begins to serve the device on this end of its socket; both are taken over. <paramref name="onEnded"/> is called when that is over.
    /// </summary>
    public void Serve(NbdServer server, Socket near, IBlockDevice device, Action onEnded)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var attachment = server.Attach(near, Attachment.Volume.ToString(), device, () =>
        {
            ended.SetResult();
            onEnded();
        });
        _connection = new Connection(attachment, ended.Task);
    }

    /// <summary>
    /// Waits until the connection has given the volume back; cuts it off after <paramref name="limit"/>.
    /// </summary>
    public async Task EndAsync(TimeSpan limit, TimeProvider time)
    {
        if (_connection is not { } connection)
            return;
        if (await Task.WhenAny(connection.Ended, Task.Delay(limit, time)).ConfigureAwait(false) != connection.Ended)
            connection.Attachment.Abandon();
        await connection.Ended.ConfigureAwait(false);
        _connection = null;
    }

    private sealed record Connection(NbdAttachment Attachment, Task Ended);
}
