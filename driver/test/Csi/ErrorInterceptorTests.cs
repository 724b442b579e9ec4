using System.Diagnostics.Metrics;
using Csi.V1;
using CsiThin.Core.Pool;
using CsiThin.Driver.Calls;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Xunit;

namespace CsiThin.Driver.Tests.Csi;

public sealed class ErrorInterceptorTests : IDisposable
{
    private readonly ControllerFixture _f = new();

    [Fact]
    public async Task A_defect_is_told_to_the_log_and_not_to_the_client()
    {
        _f.Pools.Big.NextFailure = new InvalidOperationException("secret path /var/lib/x");
        var message = await _f.Refused(StatusCode.Internal, _f.Controller.CreateVolume, ControllerFixture.CreateRequest("a"));
        Assert.Equal("internal error; the log of csi-thin has the details", message);
        var entry = Assert.Single(_f.Log.Entries);
        Assert.Equal((LogLevel.Error, "secret path /var/lib/x"), (entry.Level, entry.Exception?.Message));
    }

    [Fact]
    public async Task A_refusal_is_logged_without_alarm()
    {
        await _f.Refused(StatusCode.InvalidArgument, _f.Controller.CreateVolume, ControllerFixture.CreateRequest(""));
        Assert.Equal(LogLevel.Information, Assert.Single(_f.Log.Entries).Level);
    }

    [Fact]
    public async Task A_change_is_logged_with_what_was_asked_and_without_its_secrets()
    {
        await _f.Create("a", request => request.Secrets.Add("key", "hunter2"));
        var (level, message, _) = Assert.Single(_f.Log.Entries);
        Assert.Equal(LogLevel.Information, level);
        Assert.Contains("\"name\":\"a\"", message, StringComparison.Ordinal);
        Assert.Contains(RequestLog.Stripped, message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_of_the_disk_is_logged_with_its_cause()
    {
        _f.Pools.Big.NextFailure = new PoolException(PoolError.Io, "writing failed", new IOException("EIO"));
        await _f.Refused(StatusCode.Internal, _f.Controller.CreateVolume, ControllerFixture.CreateRequest("a"));
        Assert.Equal("EIO", Assert.Single(_f.Log.Entries).Exception?.InnerException?.Message);
    }

    [Theory]
    [InlineData(true, StatusCode.DeadlineExceeded)]
    [InlineData(false, StatusCode.Cancelled)]
    public async Task A_caller_that_gives_up_gets_the_code_that_says_how(bool late, StatusCode code)
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var call = new FakeCall(late ? DateTime.UtcNow.AddSeconds(-1) : null, cancellation: cancelled.Token);
        await _f.Refused(code, _f.Controller.CreateVolume, ControllerFixture.CreateRequest("a"), call);
    }

    [Fact]
    public async Task Calls_are_counted_by_method_and_code()
    {
        var counted = new List<(string Method, string Code)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "csithin.csi.calls")
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) =>
        {
            // Other tests count calls at the same time; these two methods are this test's own.
            var method = (string)tags[0].Value!;
            if (method.StartsWith("/test/", StringComparison.Ordinal))
                counted.Add((method, (string)tags[1].Value!));
        });
        listener.Start();
        await _f.Call(_f.Controller.CreateVolume, ControllerFixture.CreateRequest("a"), new FakeCall(method: "/test/A"));
        await _f.Refused(
            StatusCode.InvalidArgument, _f.Controller.CreateVolume, new CreateVolumeRequest(), new FakeCall(method: "/test/B"));
        Assert.Equal([("/test/A", "OK"), ("/test/B", "InvalidArgument")], counted);
    }

    public void Dispose() => _f.Dispose();
}
