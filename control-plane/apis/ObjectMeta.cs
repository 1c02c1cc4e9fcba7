namespace Brokkr.Apis;

/// <summary>Namespace and name of an object.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ObjectName(string Namespace, string Name)
{
    /// <summary><c>namespace/name</c>, as Kubernetes tools write it.</summary>
    public override string ToString() => $"{Namespace}/{Name}";
}

/// <summary>What identifies an object: two objects with the same key are the same object, in whatever version they are written.</summary>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="Kind">Kind, such as <c>Trigger</c>.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
public readonly record struct ObjectKey(string Group, string Kind, string Namespace, string Name)
{
    /// <summary>Namespace and name alone.</summary>
    public ObjectName ObjectName => new(Namespace, Name);

    /// <summary><c>Kind namespace/name</c>, for people.</summary>
    public override string ToString() => $"{Kind} {Namespace}/{Name}";
}

/// <summary>The part of an object's metadata that Brokkr reads. Other fields are tolerated.</summary>
public sealed record ObjectMeta
{
    /// <summary>Name of the object.</summary>
    public string? Name { get; init; }

    /// <summary>What the object store begins the name with where <see cref="Name"/> is not given.</summary>
    public string? GenerateName { get; init; }

    /// <summary>Namespace of the object.</summary>
    public string? Namespace { get; init; }

    /// <summary>Unique id given by the object store.</summary>
    public string? Uid { get; init; }

    /// <summary>Changes with every change of the object; opaque.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Changes with every change of <c>spec</c>.</summary>
    public long? Generation { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>When the object was created, RFC 3339.</summary>
    public string? CreationTimestamp { get; init; }

    /// <summary>Who has something to do before the object goes.</summary>
    public IReadOnlyList<string>? Finalizers { get; init; }

    /// <summary>Since when the object is being deleted, RFC 3339; null while it is not.</summary>
    public string? DeletionTimestamp { get; init; }

    /// <summary>Objects with which this one goes.</summary>
    public IReadOnlyList<OwnerReference>? OwnerReferences { get; init; }
}

/// <summary>Names an object with which another one goes.</summary>
public sealed record OwnerReference
{
    /// <summary>Group and version of the owner.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind of the owner.</summary>
    public string? Kind { get; init; }

    /// <summary>Name of the owner, which is in the same namespace or in none.</summary>
    public string? Name { get; init; }

    /// <summary>Unique id of the owner.</summary>
    public string? Uid { get; init; }

    /// <summary>Whether the owner is the one that controls the object; an object has at most one.</summary>
    public bool? Controller { get; init; }

    /// <summary>Whether the owner waits, when it is deleted in the foreground, until the object is gone.</summary>
    public bool? BlockOwnerDeletion { get; init; }
}

/// <summary>An object of the Kubernetes API.</summary>
public abstract record ApiObject
{
    /// <summary>Group and version, such as <c>eventing.knative.dev/v1</c>.</summary>
    public string? ApiVersion { get; init; }

    /// <summary>Kind, such as <c>Trigger</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Name, namespace, labels, annotations.</summary>
    public ObjectMeta? Metadata { get; init; }

    /// <summary>The namespace; empty where none was given.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Namespace => Metadata?.Namespace ?? "";

    /// <summary>The name; empty where none was given.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Name => Metadata?.Name ?? "";

    /// <summary>The unique id; empty where none was given.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string Uid => Metadata?.Uid ?? "";

    /// <summary>Namespace and name.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public ObjectName ObjectName => new(Namespace, Name);

    /// <summary>The identity of this object.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public ObjectKey Key => new(GroupVersion.GroupOf(ApiVersion ?? ""), Kind ?? "", Namespace, Name);

    /// <summary>Whether the object is being deleted.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsBeingDeleted => Metadata?.DeletionTimestamp is not null;

    /// <summary>Whether a finalizer is on the object.</summary>
    public bool HasFinalizer(string name) => Metadata?.Finalizers?.Contains(name, StringComparer.Ordinal) is true;

    /// <summary>The value of an annotation; null where it is absent. An annotation may be present and empty.</summary>
    public string? Annotation(string name) =>
        Metadata?.Annotations is { } annotations && annotations.TryGetValue(name, out var value) ? value : null;
}

/// <summary>Group and version of API objects.</summary>
public static class GroupVersion
{
    /// <summary>Group of Broker, Trigger, KafkaSink and EventPolicy.</summary>
    public const string EventingGroup = "eventing.knative.dev";

    /// <summary>Version of Broker and Trigger.</summary>
    public const string EventingV1 = "eventing.knative.dev/v1";

    /// <summary>Version of KafkaSink and EventPolicy.</summary>
    public const string EventingV1Alpha1 = "eventing.knative.dev/v1alpha1";

    /// <summary>Version of ConfigMap, Secret and Service.</summary>
    public const string CoreV1 = "v1";

    /// <summary>The group of an <c>apiVersion</c>; empty for the core group.</summary>
    public static string GroupOf(string apiVersion)
    {
        var slash = apiVersion.IndexOf('/', StringComparison.Ordinal);
        return slash < 0 ? "" : apiVersion[..slash];
    }
}
