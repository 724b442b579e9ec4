using System.Text.Json;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Tests.Kube.Server;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>The objects of the test server as the driver's types, past the wire.</summary>
internal static class TestObjects
{
    public static List<T> Read<T>(TestApiServer server, ApiResource resource) =>
        [.. server.Store.List(resource, null).Objects.Select(one => one.Deserialize<T>(KubeJson.Options)!)];
}
