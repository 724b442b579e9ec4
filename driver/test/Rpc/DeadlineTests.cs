using Grpc.Core;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

public sealed class DeadlineTests
{
    // Long enough for a call to reach its handler on a machine that is busy with other tests.
    private static DateTime Soon => DateTime.UtcNow.AddSeconds(2);

    [Fact]
    public async Task The_server_learns_the_deadline()
    {
        await using var host = await EchoHost.StartAsync();
        var deadline = DateTime.UtcNow.AddHours(1);

        await host.Client.SayAsync(new Note(), deadline: deadline);

        Assert.Equal(DateTimeKind.Utc, host.Journal.Deadline.Kind);
        Assert.InRange(host.Journal.Deadline, deadline.AddMinutes(-1), deadline.AddMinutes(1));
    }

    [Fact]
    public async Task A_call_past_its_deadline_ends_and_its_handler_is_told()
    {
        await using var host = await EchoHost.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await host.Client.WaitAsync(new Note(), deadline: Soon));

        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        await host.Journal.Cancelled;
    }

    [Fact]
    public async Task A_stream_past_its_deadline_ends_after_what_was_sent()
    {
        await using var host = await EchoHost.StartAsync();
        using var call = host.Client.Count(new Note { Number = 2, Text = "wait" }, deadline: DateTime.UtcNow.AddSeconds(4));
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.True(await call.ResponseStream.MoveNext());

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());

        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
    }

    [Fact]
    public async Task A_deadline_in_the_past_ends_the_call_before_it_is_sent()
    {
        await using var host = await EchoHost.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await host.Client.SayAsync(new Note(), deadline: DateTime.UtcNow.AddSeconds(-1)));

        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
        Assert.False(host.Journal.Started.IsCompleted);
    }

    [Fact]
    public async Task The_server_keeps_the_deadline_even_if_the_client_does_not_and_the_handler_does_not_listen()
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        // The handler lingers until the test lets it go; the answer does not wait for it.
        var answer = await http.PostAsync("/csithin.test.Echo/Linger", RawClient.Frame([]), ("grpc-timeout", "200m"));

        Assert.Equal("4", answer.Status);
        Assert.False(host.Journal.Lingered.Task.IsCompleted);
        host.Journal.LetGo.SetResult();
        await host.Journal.Lingered.Task;
        Assert.Equal("after", (await host.Client.SayAsync(new Note { Text = "after" })).Text);
        Assert.Empty(host.Log.Lines);
    }

    [Fact]
    public async Task A_deadline_beyond_any_timer_is_no_error()
    {
        await using var host = await EchoHost.StartAsync();
        using var http = new RawClient(host);

        Assert.Equal("0", (await http.PostAsync("/csithin.test.Echo/Say", RawClient.Frame([]), ("grpc-timeout", "99999999H"))).Status);
        Assert.Equal("x", (await host.Client.SayAsync(new Note { Text = "x" }, deadline: DateTime.UtcNow.AddYears(500))).Text);
    }
}
