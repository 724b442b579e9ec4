using Microsoft.AspNetCore.Http;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>What a request asks for, as the rules of RBAC would name it.</summary>
internal sealed record ApiRequest(string Verb, ApiResource Resource, string? Namespace, string? Name, string? Subresource)
{
    public ApiKey Key => new(Resource.Group, Resource.Plural, Namespace, Name ?? "");

    /// <summary>As an RBAC rule has it: <c>patch thinpools.csithin.io/status</c>.</summary>
    public string Right => $"{Verb} {Resource.FullName}{(Subresource is null ? "" : $"/{Subresource}")}";

    /// <summary>Null for paths that are no resource here.</summary>
    public static ApiRequest? Parse(HttpRequest request)
    {
        var parts = request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var (group, rest) = parts switch
        {
            ["api", "v1", .. var core] => ("", core),
            ["apis", var name, _, .. var others] => (name, others),
            _ => ("", []),
        };
        var namespaceName = rest is ["namespaces", _, _, ..] ? rest[1] : null;
        if (namespaceName is not null)
            rest = rest[2..];
        if (rest.Length == 0 || ApiResource.Known.FirstOrDefault(one => one.Group == group && one.Plural == rest[0]) is not { } resource)
            return null;
        var objectName = rest.Length > 1 ? rest[1] : null;
        var verb = (request.Method, objectName) switch
        {
            ("GET", not null) => "get",
            ("GET", null) => request.Query["watch"] is ["true" or "1"] ? "watch" : "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            _ => "delete",
        };
        return new ApiRequest(verb, resource, namespaceName, objectName, rest.Length > 2 ? rest[2] : null);
    }
}
