using System.Diagnostics.Metrics;
using System.Net.Sockets;
using System.Runtime.Versioning;
using CsiThin.Core.Device;
using CsiThin.Core.Device.Sockets;
using CsiThin.Core.Nbd;
using CsiThin.Core.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace CsiThin.Core.Tests.Nbd;

public sealed class NbdServerTests
{
    private const int Read = (int)NbdCommand.Read;

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1 << 4)]
    public void A_client_is_told_of_a_disk_that_spins(bool isRotational, int flag)
    {
        var device = new MemoryBlockDevice(1 << 20) { IsRotational = isRotational };
        Assert.Equal(flag, NbdFacts.Of(device).TransmissionFlags & (1 << 4));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void The_socket_is_the_owners_alone_and_goes_with_the_server()
    {
        using var path = new TempFile();
        using (var server = new NbdServer(path.Path, new MemoryExports()))
        {
            server.Start();
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path.Path));
        }
        Assert.False(File.Exists(path.Path));
    }

    [Fact]
    public void A_dead_servers_socket_is_replaced()
    {
        using var path = new TempFile();
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path.Path));
            // Moved away and back, since closing the socket would remove the file by its name.
            File.Move(path.Path, path.Path + ".kept");
        }
        File.Move(path.Path + ".kept", path.Path);
        using var server = new NbdServer(path.Path, new MemoryExports().With("disk", new MemoryBlockDevice(4096)));
        server.Start();
        using var client = new RawNbdClient(path.Path);
        Assert.Equal(4096ul, client.Go("disk").SizeBytes);
    }

    [Fact]
    public void A_live_servers_socket_is_left_alone()
    {
        using var nbd = new NbdFixture();
        using var client = nbd.Go();
        using var second = new NbdServer(nbd.SocketPath, nbd.Exports);
        var refusal = Assert.Throws<IOException>(second.Start);
        Assert.Contains("another server is listening", refusal.Message, StringComparison.Ordinal);
        second.Dispose();
        Assert.Equal(0u, client.Ask(NbdCommand.Flush, 0, 0).Error);
        using var third = nbd.Go();
    }

    [Fact]
    public void A_file_that_is_no_socket_is_left_alone()
    {
        using var path = new TempFile();
        File.WriteAllText(path.Path, "precious");
        using (var server = new NbdServer(path.Path, new MemoryExports()))
            Assert.Contains("no socket", Assert.Throws<IOException>(server.Start).Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(path.Path));
    }

    [Fact]
    public void A_symbolic_link_is_not_followed()
    {
        using var nbd = new NbdFixture();
        using var client = nbd.Go();
        using var link = new TempFile();
        File.CreateSymbolicLink(link.Path, nbd.SocketPath);
        using var server = new NbdServer(link.Path, new MemoryExports());
        Assert.Contains("no socket", Assert.Throws<IOException>(server.Start).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_directory_is_named()
    {
        using var server = new NbdServer("/nonexistent-directory/nbd.sock", new MemoryExports());
        Assert.Contains("/nonexistent-directory", Assert.Throws<IOException>(server.Start).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(107, true)]
    [InlineData(108, false)]
    public void A_path_is_as_long_as_a_unix_socket_allows(int bytes, bool fits)
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}");
        path += new string('x', bytes - path.Length);
        using var server = new NbdServer(path, new MemoryExports());
        if (fits)
            server.Start();
        else
            Assert.Contains("107 bytes", Assert.Throws<IOException>(server.Start).Message, StringComparison.Ordinal);
        Assert.Equal(fits, File.Exists(path));
    }

    [Fact]
    public void A_socket_put_in_our_place_is_not_removed()
    {
        using var path = new TempFile();
        using var server = new NbdServer(path.Path, new MemoryExports());
        server.Start();
        File.Delete(path.Path);
        using var other = new NbdServer(path.Path, new MemoryExports());
        other.Start();
        server.Dispose();
        Assert.True(File.Exists(path.Path));
    }

    [Fact]
    public void One_connection_more_than_the_limit_is_closed_and_the_others_live_on()
    {
        using var nbd = new NbdFixture(options: new NbdServerOptions { MaxConnections = 2 });
        using var one = nbd.Go();
        using (var two = nbd.Go())
        {
            using var three = nbd.Connect();
            three.ExpectClosed();
            Assert.Equal(0u, one.Ask(NbdCommand.Flush, 0, 0).Error);
        }
        NbdFixture.Until(() => nbd.Server.ConnectionCount == 1, "the second has ended");
        using var next = nbd.Go();
    }

    [Fact]
    public void Stopping_finishes_and_answers_what_is_in_flight()
    {
        using var nbd = new NbdFixture(Finishing.Deferred);
        using var idle = nbd.Go();
        using var halfway = nbd.Connect();
        halfway.Greet();
        using var client = nbd.Go();
        nbd.Deferring.Hold();
        client.SendRequest(NbdCommand.Write, 0, 3, payload: "abc"u8);
        client.SendRequest(NbdCommand.Flush, 0, 0);
        NbdFixture.Until(() => nbd.Deferring.Submitted == 2, "both are in flight");
        var stopping = new Thread(nbd.Server.Dispose);
        stopping.Start();
        idle.ExpectClosed();
        halfway.ExpectClosed();
        nbd.Deferring.LetGo();
        Assert.Equal([0u, 0u], [client.ReceiveReply().Error, client.ReceiveReply().Error]);
        client.ExpectClosed();
        stopping.Join();
        Assert.Equal("abc"u8.ToArray(), nbd.Disk.Peek(0, 3));
    }

    [Fact]
    public void Stopping_does_not_wait_for_ever_for_a_client_that_takes_no_replies()
    {
        var time = new ManualTimeProvider();
        using var nbd = new NbdFixture(options: new NbdServerOptions { TimeProvider = time });
        using var client = nbd.Go();
        for (var i = 0; i < 8; i++)
            client.SendRequest(NbdCommand.Read, 0, NbdFixture.DiskBytes);
        NbdFixture.Until(() => client.Socket.Available > 0, "replies are on their way");
        var stopping = new Thread(nbd.Server.Dispose);
        stopping.Start();
        NbdFixture.Until(() => time.Waiting == 1, "the server waits for the connection to drain");
        time.FireAll();
        stopping.Join();
    }

    [Fact]
    public void A_socketpairs_end_is_served_without_a_handshake()
    {
        using var nbd = new NbdFixture();
        var (ours, theirs) = ConnectedPair();
        var device = nbd.Snapshot.Open();
        var facts = NbdFacts.Of(device);
        using var ended = new ManualResetEventSlim();
        var attachment = nbd.Server.Attach(ours, "snapshot", device, ended.Set);
        Assert.Equal((NbdFixture.SnapshotBytes, 65536), (facts.LengthBytes, facts.PreferredBytes));
        const NbdTransmissionFlags looked = NbdTransmissionFlags.ReadOnly | NbdTransmissionFlags.SendDf;
        Assert.Equal(NbdTransmissionFlags.ReadOnly, (NbdTransmissionFlags)facts.TransmissionFlags & looked);
        using var client = new RawNbdClient(theirs);
        Assert.Equal(new byte[512], client.Ask(NbdCommand.Read, 0, 512).Data);
        client.SendRequest(NbdCommand.Disconnect, 0, 0);
        client.ExpectClosed();
        attachment.Join();
        Assert.True(ended.Wait(TimeSpan.FromSeconds(30)), "its owner is told of the end");
    }

    [Fact]
    public void A_socketpairs_end_with_a_handshake_is_served_too()
    {
        using var nbd = new NbdFixture();
        var (ours, theirs) = ConnectedPair();
        nbd.Server.Serve(ours);
        using var client = new RawNbdClient(theirs);
        Assert.Equal((ulong)NbdFixture.DiskBytes, client.Go("disk").SizeBytes);
    }

    [Fact]
    public void A_server_that_has_stopped_refuses_and_closes_the_socket()
    {
        using var nbd = new NbdFixture();
        nbd.Server.Dispose();
        var (ours, theirs) = ConnectedPair();
        Assert.Throws<NbdRefusedException>(() => nbd.Server.Attach(ours, "disk", nbd.Disk.Open()));
        using var client = new RawNbdClient(theirs);
        client.ExpectClosed();
    }

    [Fact]
    public void Metrics_count_by_operation_and_never_fall()
    {
        using var nbd = new NbdFixture();
        using (var client = nbd.Go("snapshot"))
        {
            client.Ask(NbdCommand.Read, 0, 4096);
            client.Ask(NbdCommand.Read, 0, 512);
            client.Ask(NbdCommand.Write, 0, 1, payload: [1]);
            client.Ask((NbdCommand)77, 0, 0);
            Assert.Equal(1, Observe(nbd.Server)["csithin.nbd.connections "]);
        }
        NbdFixture.Until(() => nbd.Server.ConnectionCount == 0, "the connection has ended");
        var seen = Observe(nbd.Server);
        Assert.Equal((2, 4608), (seen["csithin.nbd.requests read"], seen["csithin.nbd.bytes read"]));
        Assert.Equal((1, 1, 0), (seen["csithin.nbd.requests write"], seen["csithin.nbd.errors write"], seen["csithin.nbd.bytes write"]));
        Assert.Equal((1, 0), (seen["csithin.nbd.errors unknown"], seen["csithin.nbd.connections "]));
    }

    [Fact]
    public void Traffic_is_told_by_export_until_the_export_is_forgotten_and_stays_in_the_totals()
    {
        using var nbd = new NbdFixture();
        using (var client = nbd.Go())
            client.Ask(NbdCommand.Read, 0, 4096);
        using (var client = nbd.Go("snapshot"))
            client.Ask(NbdCommand.Read, 0, 512);
        NbdFixture.Until(() => nbd.Server.ConnectionCount == 0, "the connections have ended");
        using (var client = nbd.Go())
        {
            client.Ask(NbdCommand.Read, 0, 1);
            NbdFixture.Until(() => nbd.Server.Traffic.ByExport()["disk"].Requests(Read) == 2, "the living connection is counted");
            var sums = nbd.Server.Traffic.ByExport();
            Assert.Equal((2, 4097), (sums["disk"].Requests(Read), sums["disk"].Bytes(Read)));
            Assert.Equal((1, 512), (sums["snapshot"].Requests(Read), sums["snapshot"].Bytes(Read)));
            Assert.Equal(2, sums["disk"].Latency(Read).Counts.Sum());
        }

        NbdFixture.Until(() => nbd.Server.ConnectionCount == 0, "the connection has ended");
        nbd.Server.Traffic.Forget(export => export == "disk");
        Assert.Equal(["snapshot"], nbd.Server.Traffic.ByExport().Keys);
        Assert.Equal((3, 4609), (Observe(nbd.Server)["csithin.nbd.requests read"], Observe(nbd.Server)["csithin.nbd.bytes read"]));
    }

    [Fact]
    public void A_request_is_in_flight_from_its_arrival_to_its_answer_and_is_as_old_as_that()
    {
        var clock = new FakeTimeProvider();
        using var nbd = new NbdFixture(Finishing.Deferred, new NbdServerOptions { TimeProvider = clock });
        using var client = nbd.Go();
        using var began = new ManualResetEventSlim();
        using var mayEnd = new ManualResetEventSlim();
        nbd.Disk.Fault = _ =>
        {
            began.Set();
            mayEnd.Wait();
            return BlockError.None;
        };
        client.Send(client.Encode(NbdCommand.Read, 0, 4096, 0, [], out _));
        began.Wait();
        NbdFixture.Until(() => nbd.Server.Traffic.ByExport()["disk"].InFlight == 1, "it is in flight");
        clock.Advance(TimeSpan.FromSeconds(3));
        mayEnd.Set();
        NbdFixture.Until(() => nbd.Server.Traffic.ByExport()["disk"].InFlight == 0, "it is answered");
        Assert.Equal(TimeSpan.FromSeconds(3), nbd.Server.Traffic.ByExport()["disk"].Latency(Read).Sum);
    }

    private static Dictionary<string, long> Observe(NbdServer server)
    {
        var seen = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (ReferenceEquals(instrument.Meter, server.Traffic.Meter))
                l.EnableMeasurementEvents(instrument);
        };
        void Take(Instrument instrument, long value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            seen[$"{instrument.Name} {(tags.Length > 0 ? tags[0].Value : "")}"] = value;
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument, value, tags));
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }

    private static (Socket Ours, Socket Theirs) ConnectedPair()
    {
        var (ours, theirs) = SocketPair.Create();
        var socket = new Socket(new SafeSocketHandle(theirs.DangerousGetHandle(), ownsHandle: true));
        theirs.SetHandleAsInvalid();
        return (ours, socket);
    }
}
