using System.Runtime.InteropServices;
using CsiThin.Driver.Attach.Netlink;

namespace CsiThin.Driver.Tests.Attach;

/// <summary>
/// A kernel's end that answers as a script says: for each request sent, what is put into the queue of datagrams to receive. Where the queue
/// is empty, the time that was to be waited passes at once on <paramref name="time"/>.
/// </summary>
internal sealed class ScriptedChannel(PassingTime time, params Func<uint, byte[][]>[] answers) : INetlinkChannel
{
    private readonly Queue<byte[]> _waiting = new();
    private int _requests;

    /// <summary>Everything that was sent.</summary>
    public List<byte[]> Sent { get; } = [];

    public void Send(ReadOnlySpan<byte> datagram)
    {
        Sent.Add(datagram.ToArray());
        var sequence = MemoryMarshal.Read<uint>(datagram[8..]);
        foreach (var answer in answers[Math.Min(_requests++, answers.Length - 1)](sequence))
            _waiting.Enqueue(answer);
    }

    public int Receive(Span<byte> buffer, TimeSpan limit)
    {
        if (!_waiting.TryDequeue(out var datagram))
        {
            time.Pass(limit);
            return 0;
        }

        datagram.CopyTo(buffer);
        return datagram.Length;
    }

    public void Dispose()
    {
    }
}
