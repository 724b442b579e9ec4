using System.Text.Json;
using System.Text.Json.Nodes;
using CsiThin.Core.Pool;
using CsiThin.Driver.Kube.Objects;
using CsiThin.Driver.Kube.Pools;
using CsiThin.Driver.Tests.Kube.Server;
using CsiThin.Driver.Volumes;
using Xunit;

namespace CsiThin.Driver.Tests.Kube;

/// <summary>The CRD that the chart installs and the types that the program reads and writes say the same.</summary>
public sealed class ThinPoolSchemaTests
{
    private static readonly HashSet<string> SchemaKeys =
    [
        "type", "format", "description", "required", "properties", "items", "enum", "pattern", "minimum", "maximum", "minLength",
        "maxLength", "minItems", "maxItems", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
    ];

    [Fact]
    public void Spec_and_status_have_the_fields_of_the_schema_and_no_others()
    {
        var properties = CustomResource.ThinPools.Schema["properties"]!;
        Compare(typeof(ThinPoolSpec), (JsonObject)properties["spec"]!, "spec");
        Compare(typeof(ThinPoolStatus), (JsonObject)properties["status"]!, "status");
    }

    [Fact]
    public void The_schema_has_every_mode()
    {
        var status = CustomResource.ThinPools.Schema["properties"]!["status"]!["properties"]!;
        Assert.Equal(Enum.GetValues<PoolMode>().Select(Describe.Mode), ((JsonArray)status["mode"]!["enum"]!).Select(one => (string)one!));
    }

    [Fact]
    public void Name_group_and_version_are_those_of_the_type()
    {
        var spec = CustomResource.ThinPools.Definition["spec"]!;
        var resource = ThinPoolObject.Resource;
        Assert.Equal(resource.FullName, (string?)CustomResource.ThinPools.Definition["metadata"]!["name"]);
        Assert.Equal(
            (resource.Group, resource.Plural, resource.Kind, resource.Version, "Cluster"),
            ((string)spec["group"]!, (string)spec["names"]!["plural"]!, (string)spec["names"]!["kind"]!,
                (string)spec["versions"]![0]!["name"]!, (string)spec["scope"]!));
        Assert.NotNull(spec["versions"]![0]!["subresources"]!["status"]);
    }

    [Fact]
    public void The_schema_is_structural_and_uses_only_what_is_checked_here() => Walk(CustomResource.ThinPools.Schema, "");

    [Fact]
    public void Every_printer_column_shows_a_field_that_is_there()
    {
        foreach (var column in CustomResource.ThinPools.Columns)
        {
            var path = (string)column!["jsonPath"]!;
            var names = System.Text.RegularExpressions.Regex.Replace(path, @"\[[^]]*\]", "").Split('.')[1..];
            var at = CustomResource.ThinPools.Schema;
            foreach (var name in names[0] == "metadata" ? [] : names)
            {
                at = (at["items"] as JsonObject ?? at)["properties"]?[name] as JsonObject
                    ?? throw new InvalidDataException($"{path}: no {name}");
            }

            var type = (string?)column["type"];
            Assert.True(names[0] == "metadata" || type == (string?)at["type"], $"{path} is {at["type"]}, not {type}");
        }
    }

    [Theory]
    [InlineData("""{"nodeName":"n","poolName":"p","devices":{"paths":["sda"]}}""", "spec.devices.paths[0]")]
    [InlineData("""{"nodeName":"n","poolName":"p","devices":{"paths":[]}}""", "spec.devices.paths")]
    [InlineData("""{"nodeName":"n","poolName":"p","devices":{"paths":["/dev/x"],"minimumSize":"10 GB"}}""", "spec.devices.minimumSize")]
    [InlineData("""{"nodeName":"n","poolName":"p","thresholds":{"nearlyFullPercent":101}}""", "spec.thresholds.nearlyFullPercent")]
    [InlineData("""{"nodeName":"n","poolName":"p","thresholds":{"nearlyFullPercent":"80"}}""", "spec.thresholds.nearlyFullPercent")]
    [InlineData("""{"nodeName":"n"}""", "spec.poolName")]
    [InlineData("""{"nodeName":"n","poolName":"p","blockSize":"64K"}""", "spec.blockSize")]
    public void Mistakes_in_a_declaration_are_refused_by_the_schema(string spec, string field)
    {
        var value = new JsonObject { ["spec"] = JsonNode.Parse(spec) };
        Assert.Contains(field, Assert.Single(SchemaCheck.Check(value, null, CustomResource.ThinPools.Schema)), StringComparison.Ordinal);
    }

    private static void Compare(Type type, JsonObject schema, string path)
    {
        var properties = (JsonObject)schema["properties"]!;
        var fields = type.GetProperties().Where(one => one.Name != "EqualityContract").ToDictionary(
            one => JsonNamingPolicy.CamelCase.ConvertName(one.Name), one => one.PropertyType);
        Assert.Equal(properties.Select(one => $"{path}.{one.Key}").Order(), fields.Keys.Select(name => $"{path}.{name}").Order());
        foreach (var (name, child) in properties)
            CompareField(Nullable.GetUnderlyingType(fields[name]) ?? fields[name], (JsonObject)child!, $"{path}.{name}");
    }

    private static void CompareField(Type type, JsonObject schema, string path)
    {
        var expected = ((string?)schema["type"], (string?)schema["format"]);
        if (type == typeof(string))
            Assert.Equal(("string", null), expected);
        else if (type == typeof(DateTimeOffset))
            Assert.Equal(("string", "date-time"), expected);
        else if (type == typeof(int))
            Assert.Equal(("integer", "int32"), expected);
        else if (type == typeof(long))
            Assert.Equal(("integer", "int64"), expected);
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
            CompareItems(type.GetGenericArguments()[0], schema, path);
        else
            Compare(type, schema, path);
    }

    private static void CompareItems(Type item, JsonObject schema, string path)
    {
        Assert.Equal("array", (string?)schema["type"]);
        if (item == typeof(string))
            Assert.Equal("string", (string?)schema["items"]!["type"]);
        else
            Compare(item, (JsonObject)schema["items"]!, path);
        Assert.Equal(item == typeof(KubeCondition) ? "map" : null, (string?)schema["x-kubernetes-list-type"]);
    }

    private static void Walk(JsonObject schema, string path)
    {
        foreach (var (key, _) in schema)
            Assert.True(SchemaKeys.Contains(key), $"{path}: {key}");
        Assert.NotNull(schema["type"]);
        foreach (var (name, child) in schema["properties"] as JsonObject ?? [])
            Walk((JsonObject)child!, $"{path}.{name}");
        if (schema["items"] is JsonObject items)
            Walk(items, $"{path}[]");
        foreach (var name in schema["required"] as JsonArray ?? [])
            Assert.NotNull(schema["properties"]![(string)name!]);
    }
}
