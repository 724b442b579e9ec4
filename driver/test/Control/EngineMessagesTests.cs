using System.Reflection;
using CsiThin.Core.Format;
using CsiThin.Core.Pool;
using CsiThin.Core.Pool.Layout;
using CsiThin.Core.Pool.Space;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Control;
using CsiThin.Driver.Volumes;
using Grpc.Core;
using Xunit;
using static CsiThin.Driver.Tests.Volumes.VolumeManagerFixture;

namespace CsiThin.Driver.Tests.Control;

/// <summary>
/// What goes over the engine's API comes out as it went in. Values are made by reflection, so that a property which is added and not sent
/// fails here.
/// </summary>
public sealed class EngineMessagesTests
{
    [Fact]
    public void A_pools_state_keeps_every_property()
    {
        var status = Filled<PoolStatus>();
        var back = EngineMessages.ToStatus(EngineMessages.ToPool("p", status));
        Assert.Equal(status.Extents, back.Extents);
        Assert.Equal(status, back with { Extents = status.Extents });
        foreach (var mode in Enum.GetValues<PoolMode>())
            Assert.Equal(mode, EngineMessages.ToStatus(EngineMessages.ToPool("p", status with { Mode = mode })).Mode);
    }

    [Fact]
    public void A_mode_of_a_later_engine_takes_no_volumes()
    {
        var pool = EngineMessages.ToPool("p", Filled<PoolStatus>());
        pool.Mode = "on-holiday";
        Assert.Equal(PoolMode.Failed, EngineMessages.ToStatus(pool).Mode);
    }

    [Fact]
    public void A_volume_keeps_every_property()
    {
        var volume = Filled<VolumeInfo>();
        AssertSame(volume, EngineMessages.ToInfo(EngineMessages.ToVolume(volume)));
        var plain = volume with { Source = null, SourceKind = VolumeKind.Volume, Kind = VolumeKind.Volume };
        AssertSame(plain, EngineMessages.ToInfo(EngineMessages.ToVolume(plain)));
        var usage = new VolumeUsage(volume, 1L << 40, 3) { Space = new SpaceWaiting(4, TimeSpan.FromSeconds(5.5), 6) };
        var same = EngineMessages.ToVolumeUsage(EngineMessages.ToUsage(usage));
        Assert.Equal((usage.MappedBytes, usage.OpenHandles, usage.Space), (same.MappedBytes, same.OpenHandles, same.Space));
        AssertSame(usage.Volume, same.Volume);
    }

    [Fact]
    public void What_is_asked_for_keeps_every_property()
    {
        var spec = Filled<VolumeSpec>();
        AssertSameSpec(spec, EngineMessages.ToSpec(EngineMessages.ToCreate(Guid.NewGuid(), spec)));
    }

    [Fact]
    public void A_device_and_a_content_keep_every_property()
    {
        var device = Filled<AttachedDevice>();
        Assert.Equal(device, EngineMessages.ToAttached(EngineMessages.ToDevice(device)));
        foreach (var content in Enum.GetValues<VolumeContent>())
            Assert.Equal(content, EngineMessages.ToVolumeContent(EngineMessages.ToContent(content)));
        Assert.Equal(VolumeContent.HoldsData, EngineMessages.ToVolumeContent(V1.Content.Unknown));
    }

    [Fact]
    public void Every_kind_of_error_comes_back_with_its_sentence()
    {
        foreach (var kind in Enum.GetValues<PoolError>())
        {
            var back = Assert.IsType<PoolException>(Crossed(new PoolException(kind, "pool 'ü' is full")));
            Assert.Equal((kind, "pool 'ü' is full"), (back.Error, back.Message));
        }

        foreach (var kind in Enum.GetValues<VolumeError>())
        {
            var back = Assert.IsType<VolumeException>(Crossed(new VolumeException(kind, "no volume")));
            Assert.Equal((kind, "no volume"), (back.Error, back.Message));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("pool")]
    [InlineData("pool Nonsense")]
    [InlineData("file NotFound")]
    public void An_error_of_no_kind_we_know_stays_what_it_is(string kind) =>
        Assert.Null(ErrorTranslation.FromRpc(
            new RpcException(new Status(StatusCode.NotFound, "x"), new Metadata { { "csithin-error", kind } })));

    private static Exception? Crossed(Exception thrown) => ErrorTranslation.FromRpc(
        new RpcException(ErrorTranslation.ToStatus(thrown)!.Value, ErrorTranslation.ToTrailers(thrown)));

    private static void AssertSameSpec(VolumeSpec expected, VolumeSpec actual)
    {
        Assert.Equal(expected.Parameters, actual.Parameters);
        Assert.Equal(expected, actual with { Parameters = expected.Parameters });
    }

    private static T Filled<T>()
    {
        var constructor = typeof(T).GetConstructors().MinBy(one => one.GetParameters().Length)!;
        var made = constructor.Invoke([.. constructor.GetParameters().Select((parameter, i) => Value(parameter.ParameterType, i))]);
        var at = 100;
        foreach (var property in typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(one => one.CanWrite))
            property.SetValue(made, Value(property.PropertyType, at++));
        return (T)made;
    }

    private static object Value(Type type, int seed)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type switch
        {
            _ when type == typeof(string) => $"text {seed}",
            _ when type == typeof(bool) => true,
            _ when type == typeof(int) => seed + 1,
            _ when type == typeof(uint) => (uint)seed + 1,
            _ when type == typeof(long) => (1L << 40) + seed,
            _ when type == typeof(ulong) => (1UL << 50) + (ulong)seed,
            _ when type == typeof(Guid) => Guid.NewGuid(),
            _ when type == typeof(VolumeId) => new VolumeId(Guid.NewGuid(), (ulong)seed),
            _ when type == typeof(ThinId) => new ThinId((uint)seed),
            _ when type == typeof(IReadOnlyList<PoolExtent>) => new PoolExtent[]
            {
                new(new RegionExtent(seed, seed + 1), new RegionExtent(seed + 2, seed + 3)),
                new(new RegionExtent(seed + 4, seed + 5), new RegionExtent(seed + 6, seed + 7)),
            },
            _ when type == typeof(DateTimeOffset) => new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero).AddTicks(9),
            _ when type == typeof(TimeSpan) => TimeSpan.FromTicks(12_345_678 + seed),
            _ when type == typeof(IReadOnlyDictionary<string, string>) => new Dictionary<string, string> { ["a"] = "b", ["c"] = "" },
            _ when type.IsEnum => Enum.GetValues(type).GetValue(Enum.GetValues(type).Length - 1)!,
            _ => throw new NotSupportedException($"give {type} a value here"),
        };
    }
}
