using Csi.V1;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Csi;
using CsiThin.Driver.Tests.Volumes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using Mode = Csi.V1.VolumeCapability.Types.AccessMode.Types.Mode;

namespace CsiThin.Driver.Tests.Csi;

/// <summary>The services over two fake pools, called as the wire would call them: behind the error interceptor.</summary>
internal sealed class ControllerFixture : IDisposable
{
    public const string Node = "node-1";

    public static readonly VolumeCapability Mount = Capability(Mode.SingleNodeWriter);

    public static readonly VolumeCapability Block = Capability(Mode.SingleNodeWriter, block: true);

    private readonly ErrorInterceptor _interceptor;

    public ControllerFixture(EnginePlace place = EnginePlace.Here, ControllerReach reach = ControllerReach.Cluster)
    {
        Pools = new VolumeManagerFixture(place);
        Controller = new ControllerService(Pools.Volumes, new NodeTopology(Node), reach);
        // Its time stands: on a busy machine a first call through the engine's API may take longer than a probe may.
        Identity = new IdentityService(
            token => IdentityService.AnyPoolServesAsync(Pools.Volumes.Pools, token), new FakeTimeProvider());
        _interceptor = new ErrorInterceptor(Meter, TimeProvider.System, Log);
    }

    public VolumeManagerFixture Pools { get; }

    public ControllerService Controller { get; }

    public IdentityService Identity { get; }

    public CallMeter Meter { get; } = new("CSI");

    public ListLogger Log { get; } = new();

    public static VolumeCapability Capability(Mode mode, bool block = false)
    {
        var capability = new VolumeCapability { AccessMode = new() { Mode = mode } };
        if (block)
            capability.Block = new();
        else
            capability.Mount = new() { FsType = "ext4" };
        return capability;
    }

    public Task<TResponse> Call<TRequest, TResponse>(
        Func<TRequest, ServerCallContext, Task<TResponse>> method, TRequest request, ServerCallContext? context = null)
        where TRequest : class
        where TResponse : class =>
            _interceptor.UnaryServerHandler(request, context ?? new FakeCall(), (asked, call) => method(asked, call));

    /// <summary>The code that the call must end with; returns its message.</summary>
    public async Task<string> Refused<TRequest, TResponse>(
        StatusCode code, Func<TRequest, ServerCallContext, Task<TResponse>> method, TRequest request, ServerCallContext? context = null)
        where TRequest : class
        where TResponse : class
    {
        var refusal = await Assert.ThrowsAsync<RpcException>(() => Call(method, request, context));
        Assert.Equal(code, refusal.StatusCode);
        return refusal.Status.Detail;
    }

    public async Task<Volume> Create(string name, Action<CreateVolumeRequest>? change = null) =>
        (await Call(Controller.CreateVolume, CreateRequest(name, change))).Volume;

    public async Task<Snapshot> Snapshot(string name, string volumeId) =>
        (await Call(Controller.CreateSnapshot, new CreateSnapshotRequest { Name = name, SourceVolumeId = volumeId })).Snapshot;

    public static CreateVolumeRequest CreateRequest(string name, Action<CreateVolumeRequest>? change = null)
    {
        var request = new CreateVolumeRequest { Name = name, VolumeCapabilities = { Mount } };
        change?.Invoke(request);
        return request;
    }

    public void Dispose()
    {
        Pools.Dispose();
        Meter.Dispose();
    }

    /// <summary>Keeps what is logged.</summary>
    internal sealed class ListLogger : ILogger<ErrorInterceptor>
    {
        public List<(LogLevel Level, string Message, Exception? Exception)> Entries { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Entries.Add((logLevel, formatter(state, exception), exception));
    }
}
